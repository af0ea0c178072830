/** Compressed sounds, which are read and not written: FLAC (RFC 9639), Ogg with Vorbis or Opus (RFC 3533, 7845), MP3. */
import { createHash } from 'node:crypto';
import { BadStreamError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import type { Signal } from '../signal/signal.ts';
import type { ReadOptions, ShapeOptions, SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { signalOfSound, sound, soundShape } from './sound.ts';
import { type Codec, decodeSound } from './sound-decoders.ts';

/** What the beginning of a file says of its sound, as far as it does. */
interface Said {
  readonly codec: Codec;
  readonly frames?: number | undefined;
  readonly rate?: number | undefined;
  readonly channels?: number | undefined;
  /** Bits of a sample, where they are whole numbers. */
  readonly bits?: number | undefined;
  /** Of the samples, in hexadecimal. */
  readonly md5?: string | undefined;
  readonly notes?: readonly string[];
}

const flac = {
  ...compressed(flacSays),
  name: 'flac',
  title: 'FLAC',
  mediaType: mediaTypes.flac,
  suffixes: ['.flac'],
  example: 'sound.flac',
  sniff: (bytes) => ascii(bytes, 0, 4) === 'fLaC',
} as const satisfies SignalFormat;

const ogg = {
  ...compressed(oggSays),
  name: 'ogg',
  title: 'Ogg',
  mediaType: mediaTypes.ogg,
  suffixes: ['.ogg', '.oga', '.opus'],
  example: 'sound.ogg',
  sniff: (bytes) => ascii(bytes, 0, 4) === 'OggS',
} as const satisfies SignalFormat;

const mp3 = {
  ...compressed(mp3Says),
  name: 'mp3',
  title: 'MP3',
  mediaType: mediaTypes.mp3,
  suffixes: ['.mp3'],
  example: 'sound.mp3',
  // a tag, or a frame of layer III
  sniff: (bytes) => ascii(bytes, 0, 3) === 'ID3' || isMp3Frame(bytes, 0),
} as const satisfies SignalFormat;

export const compressedSounds = [flac, ogg, mp3] as const;

function compressed(says: (bytes: Uint8Array) => Said) {
  return {
    ...sound,
    async shapeOf(bytes: Uint8Array, options: ShapeOptions) {
      const { frames, rate, channels = 1 } = says(bytes);
      if (frames !== undefined && rate !== undefined) return soundShape({ frames, rate, channels }, options);
      return (await readCompressed(bytes, says(bytes), { ...options, id: 'this' })).shape;
    },
    read: async (bytes: Uint8Array, options: ReadOptions) => readCompressed(bytes, says(bytes), options),
  };
}

async function readCompressed(bytes: Uint8Array, said: Said, options: ReadOptions): Promise<Signal> {
  const { maxFileBytes, maxSamples } = options.limits;
  checkLimit('file-bytes', bytes.length, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  const { codec, frames, bits } = said;
  if (frames !== undefined && said.rate !== undefined)
    soundShape({ frames, rate: said.rate, channels: said.channels ?? 1 }, options);
  const decoded = await decodeSound(codec, bytes, { maxSamples, mono: said.channels === 1 });
  const { channels, rate } = decoded;
  const length = decoded.values.length / channels;
  if (frames !== undefined && length !== frames) {
    throw new BadStreamError(
      'truncated',
      bytes.length,
      `it says ${frames} samples and ${length} can be decoded`,
    );
  }
  options.onShape?.(soundShape({ frames: length, rate, channels }, options));
  const values = bits === undefined ? decoded.values : wholeSamples(decoded.values, bits, said.md5);
  return signalOfSound({ values, channels, rate, notes: said.notes ?? [] }, options);
}

/**
 * Whole samples times 1 / 2^(bits - 1), as those of WAV: the decoder gives them times 1 / (2^(bits - 1) - 1). They are held against the
 * checksum of the file, as nothing else says that a frame was lost.
 */
function wholeSamples(values: Float32Array, bits: number, md5: string | undefined): Float32Array {
  const top = 2 ** (bits - 1);
  const whole = Int32Array.from(values, (v) => Math.round(v * (top - 1)));
  // beyond 24 bits the decoder's floats do not say which number it was
  if (md5 !== undefined && bits <= 24 && md5Of(whole, Math.ceil(bits / 8)) !== md5)
    throw new BadStreamError('checksum', 26, 'its samples are not those that its checksum is of');
  return Float32Array.from(whole, (v) => v / top);
}

function md5Of(samples: Int32Array, sampleBytes: number): string {
  const bytes = new Uint8Array(samples.length * sampleBytes);
  for (let i = 0; i < samples.length; i++)
    for (let b = 0; b < sampleBytes; b++) bytes[i * sampleBytes + b] = samples[i]! >> (8 * b);
  return createHash('md5').update(bytes).digest('hex');
}

/** RFC 9639, section 8.2: the first block says what the samples are. */
function flacSays(bytes: Uint8Array): Said {
  if (bytes.length < 42 || (bytes[4]! & 127) !== 0)
    throw new BadStreamError(
      'bad-sound',
      4,
      'a FLAC file begins with what its samples are, and this does not',
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packed = view.getBigUint64(18);
  const rate = Number(packed >> 44n);
  const frames = Number(packed & 0xf_ffff_ffffn);
  const md5 = Buffer.from(bytes.subarray(26, 42)).toString('hex');
  if (rate === 0) throw new BadStreamError('bad-sound', 18, 'it says 0 samples a second');
  return {
    ...{
      codec: 'flac',
      rate,
      channels: 1 + Number((packed >> 41n) & 7n),
      bits: 1 + Number((packed >> 36n) & 31n),
    },
    ...(frames === 0 ? {} : { frames }),
    ...(/^0+$/.test(md5) ? {} : { md5 }),
  };
}

function oggSays(bytes: Uint8Array): Said {
  const start = 27 + (bytes[26] ?? 0);
  const notes = endsAsItSays(bytes) ? [] : ['it has no last page: its end may be missing'];
  if (ascii(bytes, start, start + 8) === 'OpusHead') return { codec: 'opus', notes };
  if (ascii(bytes, start, start + 7) === '\x01vorbis') return { codec: 'vorbis', notes };
  throw new BadStreamError(
    'bad-sound',
    start,
    'this Ogg file holds neither Vorbis nor Opus; convert it: ffmpeg -i in.ogg out.wav',
  );
}

/** Whether the last of its pages that are whole says that it is the last. */
function endsAsItSays(bytes: Uint8Array): boolean {
  let last = false;
  for (let at = 0; at + 27 <= bytes.length && ascii(bytes, at, at + 4) === 'OggS'; ) {
    const segments = bytes[at + 26]!;
    const lengths = bytes.subarray(at + 27, at + 27 + segments);
    last = (bytes[at + 5]! & 4) !== 0;
    at += 27 + segments + lengths.reduce((sum, length) => sum + length, 0);
    if (at > bytes.length) return false;
  }
  return last;
}

/** Samples by which lame is late, and a decoder after it. */
const lameDelay = 1105;

function mp3Says(bytes: Uint8Array): Said {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(6, 10);
  const tag = ascii(bytes, 0, 3) === 'ID3' ? 10 + (a << 21) + (b << 14) + (c << 7) + d : 0;
  const channels = (bytes[tag + 3] ?? 0) >> 6 === 3 ? 1 : 2;
  // in the first frame, which is silent
  const trimmed = /Xing|Info|VBRI/.test(ascii(bytes, tag, tag + 64));
  const notes = trimmed
    ? []
    : [`it does not say what its coder added: about ${lameDelay} samples of silence come first`];
  return { codec: 'mp3', channels, notes };
}

/** A frame of MPEG 1, 2 or 2.5, layer III (ISO 11172-3, section 2.4.2.3), of a rate that there is. */
function isMp3Frame(bytes: Uint8Array, at: number): boolean {
  const [sync = 0, kind = 0, rates = 0] = bytes.subarray(at, at + 3);
  const isLayer3 =
    sync === 0xff && (kind & 0xe0) === 0xe0 && (kind & 0x06) === 0x02 && (kind & 0x18) !== 0x08;
  return isLayer3 && rates >> 4 !== 15 && (rates & 0x0c) !== 0x0c;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}
