/** What decodes compressed sounds: packages that need not be there, tried when a file of theirs is first read. */
import { BadStreamError, EnvironmentError, FunctaError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';

/** Samples that a decoder gives; none where it found none. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
  readonly errors?: readonly { readonly message: string }[];
}

interface Decoder {
  decode(chunk: Uint8Array): Decoded | Promise<Decoded>;
  flush?(): Decoded | Promise<Decoded>;
  free(): void;
}

const decoders = {
  flac: async (): Promise<Decoder> => (await import('@audio/decode-flac')).decoder(),
  vorbis: async (): Promise<Decoder> => (await import('@audio/decode-vorbis')).decoder(),
  opus: async (): Promise<Decoder> => (await import('@audio/decode-opus')).decoder(),
  mp3: async (): Promise<Decoder> => (await import('@audio/decode-mp3')).decoder(),
};
export type Codec = keyof typeof decoders;

/** Bytes that are decoded at once: what comes of them is held against the limit before more is asked for. */
const chunkBytes = 2 ** 16;

/**
 * The samples [samples, channels] of a compressed sound, as its decoder scales them; of a `mono` one the first channel, as some give it twice. Decoders pass over what they cannot read without a word:
 * the caller holds the length against what the file says. Throws EnvironmentError `sound-decoder-absent`, BadStreamError `bad-sound`,
 * LimitError `limit-samples`.
 */
export async function decodeSound(
  codec: Codec,
  bytes: Uint8Array,
  { maxSamples, mono }: { readonly maxSamples: number; readonly mono: boolean },
): Promise<{ readonly values: Float32Array; readonly channels: number; readonly rate: number }> {
  const decoder = await open(codec);
  const parts: Decoded[] = [];
  let samples = 0;
  const take = (part: Decoded | undefined) => {
    const [error] = part?.errors ?? [];
    if (error !== undefined) throw new BadStreamError('bad-sound', 0, `its decoder says: ${error.message}`);
    if (part === undefined || !part.channelData[0]?.length) return;
    samples += part.channelData[0].length;
    checkLimit('samples', samples, maxSamples, 'give a shorter sound, or raise maxSamples');
    parts.push(part);
  };
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      // a copy: decoders keep what they are given
      take(await silently(() => decoder.decode(bytes.slice(at, at + chunkBytes))));
    }
    take(await silently(() => decoder.flush?.()));
  } catch (error) {
    if (error instanceof FunctaError) throw error;
    const told = error instanceof Error ? error.message : String(error);
    throw new BadStreamError('bad-sound', 0, `its decoder fails: ${told}`);
  } finally {
    release(decoder);
  }
  const [first] = parts;
  if (first === undefined)
    throw new BadStreamError('bad-sound', 0, 'nothing of its sound can be decoded; it may be cut off');
  const channels = mono ? 1 : Math.max(...parts.map(({ channelData }) => channelData.length));
  const values = new Float32Array(samples * channels);
  let at = 0;
  for (const { channelData } of parts) {
    const length = channelData[0]!.length;
    for (let c = 0; c < channels; c++) {
      const own = channelData[Math.min(c, channelData.length - 1)]!;
      for (let i = 0; i < length; i++) values[(at + i) * channels + c] = own[i]!;
    }
    at += length;
  }
  return { values, channels, rate: first.sampleRate };
}

/** What `decode` gives, without the lines that decoders of FLAC and MP3 print of a damaged sound: an error says it. Nothing else runs meanwhile. */
function silently<T>(decode: () => T): T {
  const { error } = console;
  console.error = () => undefined;
  try {
    return decode();
  } finally {
    console.error = error;
  }
}

/** One that failed may fail again: what it held goes with it. */
function release(decoder: Decoder): void {
  try {
    decoder.free();
  } catch {
    // what went wrong is told already
  }
}

async function open(codec: Codec): Promise<Decoder> {
  try {
    return await decoders[codec]();
  } catch (cause) {
    throw new EnvironmentError(
      'sound-decoder-absent',
      `the package @audio/decode-${codec} does not load here; npm install it, or give a WAV file`,
      { cause },
    );
  }
}
