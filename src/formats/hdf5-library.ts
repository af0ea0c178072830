/**
 * The HDF5 library of the package h5wasm, as it was before a file. An error leaves its C frames as an exception of JavaScript, so they give
 * nothing back: 0.9 kB of a stack of 2 MB, behind which the library's own data lie, a temporary file, memory, open objects. So the stack is
 * given back after each call, and all that the library knows after each file (ADR 58).
 */
import * as hdf5 from 'h5wasm';

export { hdf5 };

const path = '/file';
/** A thread is given up for more: memory of WebAssembly only grows, and the package keeps 3 kB of JavaScript a file. */
const most = { moreBytes: 2 ** 26, files: 4000 };
const zeros = new Uint8Array(2 ** 18);

interface Stream {
  readonly path: string;
}
type Library = Awaited<typeof hdf5.ready>;
let library: Library;
let streams: readonly (Stream | null | undefined)[];
let atFirst: {
  readonly open: ReadonlySet<Stream | null | undefined>;
  /** Linear memory but for the zeros behind it. Beside it WebAssembly has the stack's pointer and a table of functions, which stays. */
  readonly memory: Uint8Array;
  readonly bytes: number;
};
let files = 0;
let isWhole = true;

/** Before anything else. No module here waits at its top: a thread that is ended while it does takes the process with it (Node 20). */
export const libraryReady: Promise<void> = hdf5.ready.then((ready) => {
  library = ready;
  library.activate_throwing_error_handler();
  ({ streams } = library.FS as unknown as { readonly streams: typeof streams });
  const { HEAPU8: memory } = library;
  atFirst = { open: new Set(streams), memory: withoutZeros(memory), bytes: memory.length };
});

/** Opens a file of these bytes, which stays until `restore`. */
export function openFile(bytes: Uint8Array): hdf5.File {
  files++;
  library.FS.writeFile(path, bytes);
  return new hdf5.File(path, 'r');
}

/** What `read` returns or throws; the stack is where it was, and no temporary file is left. */
export function contained<T>(read: () => T): T {
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  Object.assign(library, {
    _contained: () => {
      try {
        outcome = { value: read() };
      } catch (error) {
        outcome = { error };
      }
      return 0;
    },
  });
  // a text is laid on the stack: where that began is where it ends
  library.ccall('contained', 'number', ['string'], ['']);
  if ('value' in outcome!) return outcome.value;
  closeWhere(({ path }) => path.startsWith('/tmp/'));
  const { error } = outcome!;
  // a trap, an abort, an exit
  if (!(error instanceof Error) || error.name === 'RuntimeError') isWhole = false;
  throw error;
}

/** Like `contained`; nothing where it throws, unless the library is broken by it. */
export function quietly<T>(read: () => T): T | undefined {
  try {
    return contained(read);
  } catch (error) {
    if (!isWhole) throw error;
    return undefined;
  }
}

/**
 * Texts of an attribute that are of any length. Where they cannot be read the package gives back memory that it never had, so it is not
 * asked for the value.
 */
export function textsOf({ file_id: file, path, name, metadata }: hdf5.Attribute): string[] {
  const textAt = metadata.cset === 1 ? library.UTF8ToString : library.AsciiToString;
  const at = library._malloc(4 * metadata.total_size);
  if (at === 0) throw new Error('its texts are too many');
  library.get_attribute_data(file, path, name, BigInt(at));
  const places = new Uint32Array(library.HEAPU8.buffer, at, metadata.total_size);
  const texts = Array.from(places, (place) => textAt(place));
  library.reclaim_vlen_memory(file, path, name, BigInt(at));
  library._free(at);
  return texts;
}

/** Everything as it was before the first file. False where it cannot be: use no more of this thread. */
export function restore(): boolean {
  const memory = library.HEAPU8;
  if (!isWhole || files >= most.files || memory.length > atFirst.bytes + most.moreBytes) return false;
  closeWhere((stream) => !atFirst.open.has(stream));
  if (library.FS.analyzePath(path, false).exists) library.FS.unlink(path);
  memory.set(atFirst.memory);
  clear(memory.subarray(atFirst.memory.length));
  return true;
}

function closeWhere(isOver: (stream: Stream) => boolean): void {
  for (const stream of streams)
    if (stream !== undefined && stream !== null && isOver(stream)) library.FS.close(stream);
}

/** Looks before it writes: most of it was never touched, and takes no memory. */
function clear(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const block = bytes.subarray(at, at + zeros.length);
    if (Buffer.compare(block, zeros.subarray(0, block.length)) !== 0) block.fill(0);
  }
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.slice(0, end);
}
