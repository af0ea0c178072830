/** Bytes in and out of the command line: `-` is stdin and stdout; a file appears whole or not at all. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { BadInputError, BadStreamError, LimitError } from '../core/errors.ts';
import { checkFree, WholeFiles, writeWhole } from '../disk/whole.ts';
import type { ByteSource } from '../formats/format.ts';
import { UsageError } from './exit.ts';

export const standardStream = '-';

export interface ReadFileOptions {
  readonly stdin: Readable;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * All bytes of a file, or of stdin for `-`, never more than `maxBytes`: a larger file is refused by its size, before it is read.
 * Throws LimitError, NotFoundError, BadInputError.
 */
export async function readInput(path: string, options: ReadFileOptions): Promise<Uint8Array> {
  if (path === standardStream) return readAll(options.stdin, options);
  const file = await open(path, 'r');
  try {
    const info = await file.stat();
    if (info.isDirectory()) return await readDirectory(path, options);
    if (info.size > options.maxBytes) throw tooLarge(info.size, options.maxBytes);
    if (info.isFile()) return new Uint8Array(await file.readFile({ signal: options.signal }));
    return await readAll(file.createReadStream({ autoClose: false }), options);
  } finally {
    await file.close();
  }
}

/** A file whose bytes are read where they lie: the holder closes it. */
export interface OpenFile extends ByteSource {
  /** The first of its bytes, which tell its format. */
  readonly head: Uint8Array;
  close(): Promise<void>;
}

const headBytes = 512;

/** A signal's file: open, where its format takes signals from it in parts, else all its bytes. Throws as `readInput`. */
export async function openInput(path: string, options: ReadFileOptions): Promise<Uint8Array | OpenFile> {
  if (path === standardStream) return readInput(path, options);
  const { sniffFormat } = await import('../formats/formats.ts');
  const file = await open(path, 'r');
  try {
    const info = await file.stat();
    if (info.isFile()) {
      if (info.size > options.maxBytes) throw tooLarge(info.size, options.maxBytes);
      const head = await readPart(file, 0, Math.min(headBytes, info.size));
      if (sniffFormat(head)?.readFrom !== undefined) return new FileBytes(file, info.size, head);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return readInput(path, options);
}

class FileBytes implements OpenFile {
  readonly size: number;
  readonly head: Uint8Array;
  readonly #file: FileHandle;

  constructor(file: FileHandle, size: number, head: Uint8Array) {
    this.#file = file;
    this.size = size;
    this.head = head;
  }

  read(from: number, to: number): Promise<Uint8Array> {
    return readPart(this.#file, from, to - from);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readPart(file: FileHandle, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, from + at);
    if (bytesRead === 0)
      throw new BadStreamError('truncated', from + at, 'the file became shorter while it was read');
    at += bytesRead;
  }
  return bytes;
}

/** A directory that is a file of a format, in one piece. */
async function readDirectory(path: string, options: ReadFileOptions): Promise<Uint8Array> {
  const { packDirectory } = await import('../formats/formats.ts');
  const bytes = await packDirectory(path, options);
  if (bytes === undefined) throw new BadInputError('is-directory', `${path} is a directory; name a file`);
  return bytes;
}

async function readAll(
  stream: Readable,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of addAbortSignal(signal, stream)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(length, maxBytes);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

function tooLarge(bytes: number, maxBytes: number): LimitError {
  return new LimitError('file-bytes', maxBytes, bytes, 'give a smaller file, or raise it with --max-bytes');
}

/** Refuses a path that is taken, unless `force`: asked before the work starts, and again when the file is put in place. */
export async function checkOutput(path: string, force: boolean): Promise<void> {
  if (path === standardStream) return;
  const parent = await stat(dirname(path));
  if (!parent.isDirectory()) throw new BadInputError('not-directory', `${dirname(path)} is no directory`);
  const kind = await kindOf(path);
  if (kind === 'directory')
    throw new BadInputError('is-directory', `${path} is a directory; name a file in it`);
  if (kind === 'file') await checkFree(path, { replace: force });
}

/** The same for an output that stands beside others of its own, such as checkpoints: stdout is none. */
export async function checkFileOutput(path: string, force: boolean): Promise<void> {
  if (path === standardStream) {
    throw new UsageError(
      'output-file',
      'this is written as a file, with others beside it; name one with --output',
    );
  }
  await checkOutput(path, force);
}

export interface WriteOptions {
  readonly stdout: Writable;
  readonly force: boolean;
  /** Of several outputs: what waits for the disk for all of them, and is asked to settle by whoever made it. */
  readonly files?: WholeFiles | undefined;
}

/** Bytes at once, or piece by piece as they are made. */
export type OutputBytes = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Writes a whole file, or to stdout for `-`, and gives its length. The bytes go to a neighbour first and get their
 * name when all are on the disk. Throws ConflictError where the path is taken and `force` is not set, and what
 * `content` throws.
 */
export async function writeOutput(
  path: string,
  content: OutputBytes,
  options: WriteOptions,
): Promise<number> {
  let length = 0;
  async function* counted() {
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      length += piece.length;
      yield piece;
    }
  }
  await writePieces(path, counted(), options);
  return length;
}

async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  { stdout, force, files }: WriteOptions,
): Promise<void> {
  if (path === standardStream) {
    for await (const piece of pieces) await writeStream(stdout, piece);
    return;
  }
  if ((await kindOf(path)) === 'device') {
    const device = await open(path, 'w');
    try {
      for await (const piece of pieces) await device.writeFile(piece);
    } finally {
      await device.close();
    }
    return;
  }
  if (files !== undefined) await files.write(path, pieces);
  else await writeWhole(path, pieces, { replace: force });
}

/** Several outputs one after the other, which wait for the disk together: all are there when `write` is done and this returns. */
export async function withOutputs<T>(
  { stdout, force }: Omit<WriteOptions, 'files'>,
  write: (options: WriteOptions) => Promise<T>,
): Promise<T> {
  const files = new WholeFiles({ replace: force });
  try {
    return await write({ stdout, force, files });
  } finally {
    await files.settle();
  }
}

export function writeStream(stream: Writable, data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** For what was asked for: a reader that has seen enough is no failure, a full disk is one. */
export async function writeReport(stream: Writable, text: string): Promise<void> {
  await writeStream(stream, text).catch((error) => {
    if (!isGone(error)) throw error;
  });
}

/** Of a stream whose reader has gone away. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_DESTROYED';
}

/** For what is said beside the results: whether it is heard does not matter. */
export async function writeQuietly(stream: Writable, text: string): Promise<void> {
  await writeStream(stream, text).catch(() => {});
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'device' | 'nothing'> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return 'directory';
    return info.isFile() ? 'file' : 'device';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'nothing';
    throw error;
  }
}
