/**
 * WAV: RIFF, RIFX and RF64 files of whole or floating samples (Microsoft, Multimedia Programming Interface and Data Specifications 1.0;
 * Multiple Channel Audio Data and WAVE Files; EBU Tech 3306).
 */
import { BadInputError, BadStreamError } from '../core/errors.ts';
import type { ByteSource } from './format.ts';

/** What the chunks of a file say. */
export interface WavHeader {
  /** Samples a second of each channel. */
  readonly rate: number;
  readonly channels: number;
  /** Of a sample as it is stored. */
  readonly sampleBytes: number;
  readonly isFloat: boolean;
  readonly littleEndian: boolean;
  /** Samples of each channel. */
  readonly frames: number;
  /** Where they begin: at any byte. */
  readonly start: number;
}

const isWhole = 1;
const isFloating = 3;
/** The sub-format says which of the two it is. */
const isExtensible = 0xfffe;
/** Behind its first two bytes, the tag (KSDATAFORMAT_SUBTYPE). */
const subFormat = '00001000800000aa00389b71';
/** What programs that cannot go back write in place of a length they do not know; sox begins here, ffmpeg writes 2^32 - 1. */
const unknownLength = 0x7ffff000;
/** Channels that are stored, at most; more are no sound. */
const mostChannels = 256;

/** Throws BadStreamError `bad-wav`, `unsupported-wav` or `truncated`. */
export function readWavHeader(bytes: Uint8Array): WavHeader {
  const walk = walkHeader(bytes.length);
  let asked = walk.next();
  while (!asked.done) asked = walk.next(viewOf(bytes.subarray(...asked.value)));
  return asked.value;
}

/** The same of a file that is read in parts. Throws as `readWavHeader`, and what reading throws. */
export async function readWavHeaderFrom(source: ByteSource): Promise<WavHeader> {
  const walk = walkHeader(source.size);
  let block: Uint8Array = new Uint8Array(0);
  let start = 0;
  let asked = walk.next();
  while (!asked.done) {
    const [from, to] = asked.value;
    // Small chunks stand beside each other: they are read together.
    if (from < start || to > start + block.length) {
      start = from;
      block = await source.read(from, Math.min(source.size, Math.max(to, from + headerBlock)));
    }
    asked = walk.next(viewOf(block.subarray(from - start, to - start)));
  }
  return asked.value;
}

const headerBlock = 2 ** 14;

/** From chunk to chunk of a file of so many bytes: asks for the bytes from one offset to another, which lie within it. */
function* walkHeader(size: number): Generator<readonly [from: number, to: number], WavHeader, DataView> {
  const begin = yield [0, Math.min(size, 12)];
  const kind = begin.byteLength < 12 ? '' : ascii(begin, 0);
  if (!['RIFF', 'RIFX', 'RF64'].includes(kind) || ascii(begin, 8) !== 'WAVE') {
    throw new BadStreamError('bad-wav', 0, 'not a WAV file: it begins otherwise');
  }
  const littleEndian = kind !== 'RIFX';
  let format: Format | undefined;
  let longLength: number | undefined;
  for (let at = 12; at + 8 <= size; ) {
    const lead = yield [at, at + 8];
    const id = ascii(lead, 0);
    const said = lead.getUint32(4, littleEndian);
    const body = at + 8;
    if (id === 'data') {
      if (format === undefined)
        throw new BadStreamError('bad-wav', at, 'its samples come before their format');
      const length = yield* dataBytes(size, body, said === 2 ** 32 - 1 ? (longLength ?? said) : said);
      const frames = Math.floor(length / (format.channels * format.sampleBytes));
      return { ...format, littleEndian, frames, start: body };
    }
    if (body + said > size) {
      const fault = `chunk ${JSON.stringify(id)} says ${said} bytes and ${size - body} follow`;
      throw new BadStreamError('truncated', at + 4, fault);
    }
    if (id === 'fmt ') {
      if (said < 16) throw new BadStreamError('bad-wav', body, `a format of ${said} bytes is too short`);
      format = readFormat(yield [body, body + Math.min(said, 40)], body, littleEndian);
    }
    if (id === 'ds64' && said >= 16) longLength = Number((yield [body + 8, body + 16]).getBigUint64(0, true));
    // padded to even length
    at = body + said + (said & 1);
  }
  throw new BadStreamError('truncated', size, 'it ends before its samples');
}

/**
 * The samples, [frames, channels]: whole ones times 1 / 2^(bits - 1), so that those of up to 24 bits are exact and -1 is the least;
 * floats as they are.
 */
export function readWavSamples(bytes: Uint8Array, header: WavHeader): Float32Array {
  return wavValues(bytes.subarray(header.start, header.start + header.frames * frameBytesOf(header)), header);
}

/** Bytes of the samples of all channels at one time. */
export function frameBytesOf({ channels, sampleBytes }: Pick<WavHeader, 'channels' | 'sampleBytes'>): number {
  return channels * sampleBytes;
}

/** `readWavSamples` of whole frames as they are stored. */
export function wavValues(
  stored: Uint8Array,
  { sampleBytes, littleEndian, isFloat }: Pick<WavHeader, 'sampleBytes' | 'littleEndian' | 'isFloat'>,
): Float32Array {
  const view = viewOf(stored);
  const read = readers[isFloat ? `f${sampleBytes}` : `i${sampleBytes}`]!;
  const values = new Float32Array(stored.length / sampleBytes);
  for (let i = 0; i < values.length; i++) values[i] = read(view, i * sampleBytes, littleEndian);
  return values;
}

/** Samples of 16 bits as they are stored, into `words` from `at` on. */
export function wavWords(stored: Uint8Array, littleEndian: boolean, words: Int16Array, at: number): void {
  const view = viewOf(stored);
  for (let i = 0; 2 * i < stored.length; i++) words[at + i] = view.getInt16(2 * i, littleEndian);
}

/** The beginning of a file of `frames` samples of two bytes, or of floats. Throws BadInputError `wav-length`. */
export function wavHeader({
  rate,
  channels,
  frames,
  isFloat,
}: Pick<WavHeader, 'rate' | 'channels' | 'frames' | 'isFloat'>): Uint8Array {
  const sampleBytes = isFloat ? 4 : 2;
  const dataLength = frames * channels * sampleBytes;
  if (dataLength > unknownLength) {
    throw new BadInputError(
      'wav-length',
      `${dataLength} bytes of samples are more than a WAV file says; ask for a region, or for npy`,
    );
  }
  const header = new DataView(new ArrayBuffer(44));
  const text = (at: number, word: string) => {
    for (let i = 0; i < 4; i++) header.setUint8(at + i, word.charCodeAt(i));
  };
  text(0, 'RIFF');
  header.setUint32(4, 36 + dataLength, true);
  text(8, 'WAVE');
  text(12, 'fmt ');
  header.setUint32(16, 16, true);
  header.setUint16(20, isFloat ? isFloating : isWhole, true);
  header.setUint16(22, channels, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * channels * sampleBytes, true);
  header.setUint16(32, channels * sampleBytes, true);
  header.setUint16(34, 8 * sampleBytes, true);
  text(36, 'data');
  header.setUint32(40, dataLength, true);
  return new Uint8Array(header.buffer);
}

type Format = Pick<WavHeader, 'rate' | 'channels' | 'sampleBytes' | 'isFloat'>;

/** `view`: the chunk from `at` on, 16 bytes at least. */
function readFormat(view: DataView, at: number, little: boolean): Format {
  const bad = (fault: string) => new BadStreamError('bad-wav', at, fault);
  const channels = view.getUint16(2, little);
  const rate = view.getUint32(4, little);
  const frameBytes = view.getUint16(12, little);
  const bits = view.getUint16(14, little);
  const tag = tagOf(view, little);
  if (channels < 1 || channels > mostChannels) throw bad(`${channels} channels`);
  if (rate === 0) throw bad('0 samples a second; write the file anew with its rate');
  const sampleBytes = frameBytes / channels;
  if (tag !== isWhole && tag !== isFloating) {
    throw new BadStreamError(
      'unsupported-wav',
      at,
      `samples of format ${tag} are not read; convert them: ffmpeg -i in.wav -c:a pcm_s16le out.wav`,
    );
  }
  const isFloat = tag === isFloating;
  const fits = isFloat ? [4, 8].includes(sampleBytes) : [1, 2, 3, 4].includes(sampleBytes);
  if (!fits || bits > 8 * sampleBytes || bits < 1) {
    throw bad(`frames of ${frameBytes} bytes do not hold ${channels} samples of ${bits} bits`);
  }
  return { rate, channels, sampleBytes, isFloat };
}

function tagOf(view: DataView, little: boolean): number {
  const tag = view.getUint16(0, little);
  if (tag !== isExtensible || view.byteLength < 40) return tag;
  let guid = '';
  for (let i = 28; i < 40; i++) guid += view.getUint8(i).toString(16).padStart(2, '0');
  return guid === subFormat ? view.getUint16(24, little) : tag;
}

/** How long the samples are: as said, or up to the end where the file was written without knowing that. */
function* dataBytes(
  size: number,
  body: number,
  said: number,
): Generator<readonly [number, number], number, DataView> {
  const rest = size - body;
  if (said >= unknownLength) return Math.min(rest, said);
  if (said === 0) return (yield* isChunks(size, body)) ? 0 : rest;
  if (said > rest) {
    throw new BadStreamError('truncated', body - 4, `its samples say ${said} bytes and ${rest} follow`);
  }
  return said;
}

/** Whether all from here on is whole chunks, as behind samples of which there are none. */
function* isChunks(size: number, from: number): Generator<readonly [number, number], boolean, DataView> {
  let at = from;
  while (at + 8 <= size) {
    const lead = yield [at, at + 8];
    if (!/^[\x20-\x7e]{4}$/.test(ascii(lead, 0))) break;
    const length = lead.getUint32(4, true);
    at += 8 + length + (length & 1);
  }
  return at === size;
}

const readers: Readonly<Record<string, (view: DataView, at: number, little: boolean) => number>> = {
  i1: (view, at) => (view.getUint8(at) - 128) / 128,
  i2: (view, at, little) => view.getInt16(at, little) / 32768,
  i3: (view, at, little) =>
    ((view.getInt8(little ? at + 2 : at) << 16) |
      (view.getUint8(at + 1) << 8) |
      view.getUint8(little ? at : at + 2)) /
    8388608,
  i4: (view, at, little) => view.getInt32(at, little) / 2147483648,
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

function ascii(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
