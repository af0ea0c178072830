import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { AbortedError, BadStreamError, LimitError } from '../../src/core/errors.ts';

export interface TarOptions {
  /** Largest file that may be asked for. */
  readonly maxFileBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads a .tgz front to back in one pass, holding one file at a time (POSIX.1-1988 ustar, with pax and GNU long
 * names). `want` is asked for every regular file; `use` gets the bytes of the wanted ones.
 * Throws BadStreamError `bad-tar` or `truncated`, LimitError `tar-file-bytes`, AbortedError.
 */
export async function readTarball(
  path: string,
  want: (name: string, size: number) => boolean,
  use: (name: string, bytes: Uint8Array) => Promise<void> | void,
  options: TarOptions,
): Promise<void> {
  const stream = new ByteQueue(createReadStream(path, { highWaterMark: 1 << 20 }).pipe(createGunzip()));
  let longName: string | undefined;
  try {
    for (;;) {
      if (options.signal?.aborted) throw new AbortedError();
      const at = stream.at;
      const header = await stream.take(512);
      if (header.every((byte) => byte === 0)) return;
      checkHeader(header, at);
      const size = octal(header, 124, 12, at);
      const padded = Math.ceil(size / 512) * 512;
      const type = String.fromCharCode(header[156]!);
      if (type === 'x' || type === 'L') {
        if (size > 65536)
          throw new LimitError('tar-name-bytes', 65536, size, 'the archive is not one of ours');
        const text = Buffer.from((await stream.take(padded)).subarray(0, size)).toString('utf8');
        longName =
          type === 'L' ? text.replace(/\0.*$/s, '') : (/^\d+ path=(.*)$/m.exec(text)?.[1] ?? longName);
        continue;
      }
      const name = longName ?? shortName(header);
      longName = undefined;
      if ((type === '0' || type === '\0') && want(name, size)) {
        if (size > options.maxFileBytes) {
          throw new LimitError(
            'tar-file-bytes',
            options.maxFileBytes,
            size,
            `${name} is larger than expected`,
          );
        }
        await use(name, (await stream.take(padded)).subarray(0, size));
      } else await stream.skip(padded);
    }
  } finally {
    stream.close();
  }
}

function checkHeader(header: Uint8Array, at: number): void {
  let sum = 0;
  for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  if (sum !== octal(header, 148, 8, at))
    throw new BadStreamError('bad-tar', at, 'tar header checksum differs');
}

function octal(header: Uint8Array, from: number, length: number, at: number): number {
  const text = field(header, from, length).trim();
  if (!/^[0-7]+$/.test(text))
    throw new BadStreamError('bad-tar', at + from, 'tar header holds no octal number');
  return Number.parseInt(text, 8);
}

function field(header: Uint8Array, from: number, length: number): string {
  const text = Buffer.from(header.subarray(from, from + length)).toString('utf8');
  return text.includes('\0') ? text.slice(0, text.indexOf('\0')) : text;
}

function shortName(header: Uint8Array): string {
  const prefix = field(header, 257, 5) === 'ustar' ? field(header, 345, 155) : '';
  return prefix === '' ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`;
}

/** Takes exact counts of bytes off a stream of chunks. */
class ByteQueue {
  /** Bytes taken so far. */
  at = 0;
  readonly #stream: NodeJS.ReadableStream & { destroy(): void };
  readonly #chunks: AsyncIterator<string | Buffer>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: NodeJS.ReadableStream & { destroy(): void }) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count);
    await this.#move(count, (piece, offset) => out.set(piece, offset));
    return out;
  }

  async skip(count: number): Promise<void> {
    await this.#move(count, () => {});
  }

  close(): void {
    this.#stream.destroy();
  }

  async #move(count: number, use: (piece: Uint8Array, offset: number) => void): Promise<void> {
    let moved = 0;
    while (moved < count) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const piece = this.#rest.subarray(0, Math.min(count - moved, this.#rest.length));
      use(piece, moved);
      moved += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    this.at += count;
  }

  async #next(): Promise<Uint8Array> {
    let next: IteratorResult<string | Buffer>;
    try {
      next = await this.#chunks.next();
    } catch (error) {
      throw new BadStreamError('bad-tar', this.at, `not a gzip stream: ${(error as Error).message}`);
    }
    if (next.done === true)
      throw new BadStreamError('truncated', this.at, 'the archive ends in the middle of a file');
    return next.value as Buffer;
  }
}
