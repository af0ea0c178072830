/**
 * WAV: RIFF, RIFX and RF64 files of whole or floating samples (Microsoft, Multimedia Programming Interface and Data Specifications 1.0;
 * Multiple Channel Audio Data and WAVE Files; EBU Tech 3306).
 */
import { BadInputError, BadStreamError } from '../core/errors.ts';

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
  const kind = ascii(bytes, 0);
  if (!['RIFF', 'RIFX', 'RF64'].includes(kind) || ascii(bytes, 8) !== 'WAVE') {
    throw new BadStreamError('bad-wav', 0, 'not a WAV file: it begins otherwise');
  }
  const littleEndian = kind !== 'RIFX';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: Format | undefined;
  let longLength: number | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = ascii(bytes, at);
    const said = view.getUint32(at + 4, littleEndian);
    const body = at + 8;
    if (id === 'data') {
      if (format === undefined)
        throw new BadStreamError('bad-wav', at, 'its samples come before their format');
      const length = dataBytes(bytes, { body, said: said === 2 ** 32 - 1 ? (longLength ?? said) : said });
      const frames = Math.floor(length / (format.channels * format.sampleBytes));
      return { ...format, littleEndian, frames, start: body };
    }
    if (body + said > bytes.length) {
      const fault = `chunk ${JSON.stringify(id)} says ${said} bytes and ${bytes.length - body} follow`;
      throw new BadStreamError('truncated', at + 4, fault);
    }
    if (id === 'fmt ') format = readFormat(view, body, said, littleEndian);
    if (id === 'ds64' && said >= 16) longLength = Number(view.getBigUint64(body + 8, true));
    // padded to even length
    at = body + said + (said & 1);
  }
  throw new BadStreamError('truncated', bytes.length, 'it ends before its samples');
}

/**
 * The samples, [frames, channels]: whole ones times 1 / 2^(bits - 1), so that those of up to 24 bits are exact and -1 is the least;
 * floats as they are.
 */
export function readWavSamples(bytes: Uint8Array, header: WavHeader): Float32Array {
  const { channels, frames, start, sampleBytes, littleEndian, isFloat } = header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readers[isFloat ? `f${sampleBytes}` : `i${sampleBytes}`]!;
  const values = new Float32Array(frames * channels);
  for (let i = 0; i < values.length; i++) values[i] = read(view, start + i * sampleBytes, littleEndian);
  return values;
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

function readFormat(view: DataView, at: number, length: number, little: boolean): Format {
  const bad = (fault: string) => new BadStreamError('bad-wav', at, fault);
  if (length < 16) throw bad(`a format of ${length} bytes is too short`);
  const channels = view.getUint16(at + 2, little);
  const rate = view.getUint32(at + 4, little);
  const frameBytes = view.getUint16(at + 12, little);
  const bits = view.getUint16(at + 14, little);
  const tag = tagOf(view, at, length, little);
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

function tagOf(view: DataView, at: number, length: number, little: boolean): number {
  const tag = view.getUint16(at, little);
  if (tag !== isExtensible || length < 40) return tag;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 28, 12);
  const isKnown = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('') === subFormat;
  return isKnown ? view.getUint16(at + 24, little) : tag;
}

/** How long the samples are: as said, or up to the end where the file was written without knowing that. */
function dataBytes(
  bytes: Uint8Array,
  { body, said }: { readonly body: number; readonly said: number },
): number {
  const rest = bytes.length - body;
  if (said >= unknownLength) return Math.min(rest, said);
  if (said === 0) return isChunks(bytes, body) ? 0 : rest;
  if (said > rest) {
    throw new BadStreamError('truncated', body - 4, `its samples say ${said} bytes and ${rest} follow`);
  }
  return said;
}

/** Whether all from here on is whole chunks, as behind samples of which there are none. */
function isChunks(bytes: Uint8Array, from: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = from;
  while (at + 8 <= bytes.length && /^[\x20-\x7e]{4}$/.test(ascii(bytes, at))) {
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length & 1);
  }
  return at === bytes.length;
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

function ascii(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
