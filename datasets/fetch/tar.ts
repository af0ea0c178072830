import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { AbortedError, BadStreamError, LimitError } from '../../src/core/errors.ts';

export interface TarOptions {
  /** Largest file that may be asked for. */
  readonly maxFileBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads a .tgz front to back in one pass, holding the wanted files of one piece of it at a time. `want` is asked for every
 * regular file, under its long name where it has one; `use` gets the bytes of the wanted ones, one after the other.
 * Throws BadStreamError `bad-tar` or `truncated`, LimitError `tar-file-bytes`, AbortedError.
 */
export async function readTarball(path: string, want: Want, use: Use, options: TarOptions): Promise<void> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    await readTar(file.pipe(createGunzip()), want, use, options);
  } finally {
    file.destroy();
  }
}

type Want = (name: string, size: number) => boolean;
type Use = (name: string, bytes: Uint8Array) => Promise<void> | void;

/** Whether a file that begins so is a plain tar archive: the magic of POSIX.1-1988 stands after the fields of the first header. */
export function isTar(head: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(head.subarray(257, 262)) === 'ustar';
}

/** The same of a tar that comes in pieces and is not compressed. Throws as `readTarball`. */
export async function readTar(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  want: Want,
  use: Use,
  { maxFileBytes, signal }: TarOptions,
): Promise<void> {
  let at = 0;
  let fault: Error | undefined;
  const whole: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  const read = (entry: ReadEntry) => {
    const { path: name, size } = entry;
    const wanted = fault === undefined && isFile(entry) && want(name, size);
    if (wanted && size > maxFileBytes)
      fault = new LimitError('tar-file-bytes', maxFileBytes, size, `${name} is larger than expected`);
    else if (wanted) {
      const pieces: Buffer[] = [];
      entry.on('end', () => whole.push({ name, bytes: Buffer.concat(pieces) }));
      entry.on('data', (piece) => pieces.push(piece));
      return;
    }
    entry.resume();
  };
  // The names in pax and GNU headers are held whole.
  const parser = new Parser({ strict: true, maxMetaEntrySize: 65536, onReadEntry: read });
  parser.on('error', (error: Error) => {
    const code = error.message.startsWith('Truncated') ? 'truncated' : 'bad-tar';
    fault ??= new BadStreamError(code, at, error.message);
  });
  let ended = false;
  parser.on('eof', () => {
    ended = true;
  });
  const settle = async () => {
    for (const { name, bytes } of whole.splice(0)) await use(name, bytes);
    if (fault !== undefined) throw fault;
    if (signal?.aborted) throw new AbortedError();
  };
  try {
    for await (const piece of source) {
      parser.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      await settle();
      at += piece.length;
    }
  } catch (error) {
    if (!isOfZlib(error)) throw error;
    const message = `not a whole gzip stream: ${error.message}`;
    throw new BadStreamError('bad-tar', at, message);
  }
  parser.end();
  await settle();
  if (!ended) throw new BadStreamError('truncated', at, 'the archive ends before its last block');
}

const isFile = ({ type }: ReadEntry) => type === 'File' || type === 'OldFile';

const isOfZlib = (error: unknown): error is Error =>
  error instanceof Error &&
  ['Z_DATA_ERROR', 'Z_BUF_ERROR'].includes((error as NodeJS.ErrnoException).code ?? '');
