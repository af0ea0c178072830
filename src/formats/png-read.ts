/**
 * Plain PNG files (PNG, third edition, W3C 2025, sections 5, 7 and 9) without the image library, which takes a millisecond of processor
 * time for a thumbnail, ten times what its samples take. Whatever is not plain and whole is the library's to read or to refuse.
 */
import { crc32, inflateSync } from 'node:zlib';

export interface PlainPng {
  readonly shape: readonly [height: number, width: number];
  readonly hasAlpha: boolean;
  /** RGB, or RGBA where it has alpha, [height * width, 3 or 4]; undefined where the samples are damaged. */
  samples(): Uint8Array | undefined;
}

/** Pixels of a picture that is decoded in the caller's thread: about two milliseconds. */
const mostPixels = 2 ** 16;
/** More than so many pixels take, even where nothing is won by deflating; what is longer is not looked through. */
const mostBytes = 2 ** 19;
/** Channels by colour type: grey, RGB, grey and alpha, RGBA; one with a palette is not plain. */
const channelsOf: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 4: 2, 6: 4 };
/** Chunks that say nothing of the samples: how large it is printed, that they are sRGB, when it was made. */
const passed = ['pHYs', 'sRGB', 'tIME'];

/**
 * A small PNG of 8 bits a sample, neither interlaced nor with a palette, profile, orientation or key colour, all of whose chunks are whole;
 * undefined for every other file.
 */
export function openPlainPng(bytes: Uint8Array): PlainPng | undefined {
  if (bytes.length > mostBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let at = 8;
  let last = '';
  let size: readonly [height: number, width: number] | undefined;
  let channels: 1 | 2 | 3 | 4 | undefined;
  while (last !== 'IEND') {
    if (at + 12 > bytes.length) return undefined;
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length || crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
      return undefined;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const isFirst = at === 8;
    if (isFirst !== (type === 'IHDR')) return undefined;
    if (isFirst) {
      if (length !== 13) return undefined;
      channels = channelsOf[view.getUint8(at + 17)];
      size = [view.getUint32(at + 12), view.getUint32(at + 8)];
      // depth; compression, filters and interlacing
      if (view.getUint8(at + 16) !== 8 || view.getUint16(at + 18) !== 0 || view.getUint8(at + 20) !== 0)
        return undefined;
    } else if (type === 'IDAT') {
      if (data.length > 0 && last !== 'IDAT') return undefined;
      data.push(bytes.subarray(at + 8, end - 4));
    } else if (type !== 'IEND' && !passed.includes(type)) return undefined;
    last = type;
    at = end;
  }
  if (at !== bytes.length || size === undefined || channels === undefined || data.length === 0)
    return undefined;
  const pixels = size[0] * size[1];
  if (pixels === 0 || pixels > mostPixels) return undefined;
  const stored = channels;
  return {
    shape: size,
    hasAlpha: stored % 2 === 0,
    samples: () => samplesOf(data.length === 1 ? data[0]! : Buffer.concat(data), size, stored),
  };
}

function samplesOf(
  data: Uint8Array,
  [height, width]: readonly [number, number],
  channels: 1 | 2 | 3 | 4,
): Uint8Array | undefined {
  const row = width * channels;
  const filtered = inflated(data, height * (row + 1));
  const samples = filtered && unfiltered(filtered, height, row, channels);
  if (samples === undefined || channels >= 3) return samples;
  const to = channels + 2;
  const out = new Uint8Array(height * width * to);
  for (let p = 0; p < height * width; p++) {
    out.fill(samples[p * channels]!, p * to, p * to + 3);
    if (channels === 2) out[p * to + 3] = samples[p * channels + 1]!;
  }
  return out;
}

/** So many bytes; undefined where there are more or fewer, or the stream is damaged. */
function inflated(data: Uint8Array, bytes: number): Uint8Array | undefined {
  try {
    const all = inflateSync(data, { maxOutputLength: bytes });
    return all.length === bytes ? all : undefined;
  } catch {
    return undefined;
  }
}

function unfiltered(
  filtered: Uint8Array,
  height: number,
  row: number,
  pixelBytes: number,
): Uint8Array | undefined {
  const out = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    const from = y * (row + 1) + 1;
    const to = y * row;
    const kind = filtered[from - 1]!;
    if (kind > 4) return undefined;
    for (let i = 0; i < row; i++) {
      const a = i < pixelBytes ? 0 : out[to + i - pixelBytes]!;
      const b = y === 0 ? 0 : out[to + i - row]!;
      const c = i < pixelBytes || y === 0 ? 0 : out[to + i - row - pixelBytes]!;
      out[to + i] = filtered[from + i]! + predicted(kind, a, b, c);
    }
  }
  return out;
}

/** From the sample before (a), above (b), and before that (c): none, Sub, Up, Average, Paeth. */
function predicted(kind: number, a: number, b: number, c: number): number {
  if (kind === 0) return 0;
  if (kind === 1) return a;
  if (kind === 2) return b;
  return kind === 3 ? (a + b) >> 1 : paeth(a, b, c);
}

/** Section 9.4. */
export function paeth(a: number, b: number, c: number): number {
  const pa = Math.abs(b - c);
  const pb = Math.abs(a - c);
  const pc = Math.abs(a + b - 2 * c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
