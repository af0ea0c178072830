/**
 * A PNG encoder that takes rows as they come (PNG, third edition, W3C 2025, sections 5 and 9): memory is that of a
 * few rows, whatever the size of the picture.
 */

import { once } from 'node:events';
import { crc32, createDeflate, deflateSync } from 'node:zlib';
import { aRowStream, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import type { RowStream } from '../signal/rows.ts';
import { paeth } from './png-read.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Colour type by number of channels: grey, grey and alpha, RGB, RGBA. */
const colourTypes = [0, 4, 2, 6];
const maxPngAxis = 2 ** 31 - 1;
const level = 6;
/**
 * Filtered bytes of a picture that is deflated at once, in this thread: a stream of zlib takes three turns of another thread, which costs
 * four times as much as the work. Of fewer bytes than zlib gathers for one block (16,383 symbols), so that both ways give the same bytes.
 */
const smallBytes = 16_000;
/** The stream gives its own header before all else, and so it is a chunk of its own. */
const zlibHeaderBytes = 2;

/**
 * An 8-bit PNG of a decoded picture, in pieces. Throws BadInputError `not-a-picture` before the first piece.
 *
 * @example
 * await writeFile('large.png', pngChunks(fn.rows({ size: '4x' })));
 */
export function pngChunks(stream: RowStream): AsyncIterable<Uint8Array> {
  check('pngChunks', aRowStream(stream, 'stream'));
  const { shape, channels } = stream;
  const [height, width] = shape;
  const colourType = colourTypes[channels - 1];
  if (height === undefined || width === undefined || shape.length !== 2 || colourType === undefined) {
    throw new BadInputError(
      'not-a-picture',
      `shape [${shape}] x ${channels} channels is no picture; ask for npy`,
    );
  }
  if (height > maxPngAxis || width > maxPngAxis) {
    throw new BadInputError(
      'not-a-picture',
      `PNG holds no more than ${maxPngAxis} pixels a side; ask for a region`,
    );
  }
  return chunks(stream, height, width, colourType);
}

async function* chunks(stream: RowStream, height: number, width: number, colourType: number) {
  yield signature;
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, colourType);
  yield chunk('IHDR', new Uint8Array(header.buffer));
  const isSmall = height * (width * stream.channels + 1) <= smallBytes;
  const data = isSmall ? deflatedAtOnce(stream, width) : deflated(stream, width);
  for await (const piece of data) yield chunk('IDAT', piece);
  yield chunk('IEND', new Uint8Array(0));
}

async function* deflatedAtOnce(stream: RowStream, width: number): AsyncIterable<Uint8Array> {
  const filter = new RowFilter(width * stream.channels, stream.channels);
  const filtered: Uint8Array[] = [];
  for await (const { values } of stream.rows) filtered.push(filter.rows(values));
  const all = deflateSync(filtered.length === 1 ? filtered[0]! : Buffer.concat(filtered), { level });
  yield all.subarray(0, zlibHeaderBytes);
  yield all.subarray(zlibHeaderBytes);
}

async function* deflated(stream: RowStream, width: number): AsyncIterable<Uint8Array> {
  const deflate = createDeflate({ level });
  const filter = new RowFilter(width * stream.channels, stream.channels);
  const feed = (async () => {
    for await (const { values } of stream.rows) {
      if (!deflate.write(filter.rows(values)) && !deflate.destroyed) await once(deflate, 'drain');
    }
    deflate.end();
  })();
  feed.catch((error: Error) => deflate.destroy(error));
  try {
    for await (const data of deflate) yield data as Uint8Array;
    await feed;
  } finally {
    deflate.destroy();
  }
}

/** Filters rows by the least sum of absolute differences (section 12.7): Sub, Up or Paeth. */
class RowFilter {
  readonly #rowBytes: number;
  readonly #pixelBytes: number;
  #above: Uint8Array;

  constructor(rowBytes: number, pixelBytes: number) {
    this.#rowBytes = rowBytes;
    this.#pixelBytes = pixelBytes;
    this.#above = new Uint8Array(rowBytes);
  }

  /** `values`: whole rows in [0, 1]. A fresh array: a filter byte and the filtered samples of each row. */
  rows(values: Float32Array): Uint8Array {
    const n = this.#rowBytes;
    const rows = values.length / n;
    const out = new Uint8Array(rows * (n + 1));
    for (let r = 0; r < rows; r++) {
      const raw = new Uint8Array(n);
      for (let i = 0; i < n; i++) {
        const v = values[r * n + i]!;
        raw[i] = v >= 1 ? 255 : v > 0 ? Math.floor(v * 255 + 0.5) : 0;
      }
      this.#write(raw, out.subarray(r * (n + 1), (r + 1) * (n + 1)));
      this.#above = raw;
    }
    return out;
  }

  #write(raw: Uint8Array, out: Uint8Array): void {
    const above = this.#above;
    const back = this.#pixelBytes;
    const sums = [0, 0, 0];
    for (let i = 0; i < raw.length; i++) {
      const a = i < back ? 0 : raw[i - back]!;
      const b = above[i]!;
      const c = i < back ? 0 : above[i - back]!;
      sums[0]! += magnitude(raw[i]! - a);
      sums[1]! += magnitude(raw[i]! - b);
      sums[2]! += magnitude(raw[i]! - paeth(a, b, c));
    }
    const best = sums[2]! < sums[0]! && sums[2]! < sums[1]! ? 4 : sums[1]! < sums[0]! ? 2 : 1;
    out[0] = best;
    for (let i = 0; i < raw.length; i++) {
      const a = i < back ? 0 : raw[i - back]!;
      const b = above[i]!;
      const c = i < back ? 0 : above[i - back]!;
      out[i + 1] = raw[i]! - (best === 1 ? a : best === 2 ? b : paeth(a, b, c));
    }
  }
}

/** Of a difference modulo 256, read as signed. */
function magnitude(difference: number): number {
  const byte = difference & 255;
  return byte < 128 ? byte : 256 - byte;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}
