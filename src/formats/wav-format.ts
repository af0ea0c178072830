/** WAV: sounds, sample for sample. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { type Output, sampleTypeOf } from '../field/outputs.ts';
import type { RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import type { ByteSource, ReadOptions, SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { rateOf, SoundIntake, sound, soundShape } from './sound.ts';
import {
  frameBytesOf,
  readWavHeader,
  readWavHeaderFrom,
  type WavHeader,
  wavHeader,
  wavValues,
  wavWords,
} from './wav.ts';

export const wav = {
  ...sound,
  name: 'wav',
  title: 'WAV',
  mediaType: mediaTypes.wav,
  suffixes: ['.wav'],
  example: 'sound.wav',
  sniff: (bytes) => /^(RIFF|RIFX|RF64)....WAVE/s.test(String.fromCharCode(...bytes.subarray(0, 12))),
  writes: (kind) => sound.fits(kind) && rateOf(kind.along?.[0]) !== undefined,
  async shapeOf(bytes, options) {
    return soundShape(readWavHeader(bytes), options);
  },
  read: async (bytes, options) => readWav(bytes, options),
  readFrom: readWavFrom,
  together: 'one after the other',
  write: (rows, outputs) => wavChunks(rows, outputs),
  writeAll: (signals, outputs) => wavChunks(after(signals), outputs),
} as const satisfies SignalFormat;

/** Frames that are taken at once. */
const blockFrames = 2 ** 16;

function readWav(bytes: Uint8Array, options: ReadOptions): Signal {
  const taken = new WavIntake(readWavHeader(bytes), bytes.length, options);
  for (const [from, to] of taken.blocks()) taken.add(bytes.subarray(from, to));
  return taken.signal();
}

async function readWavFrom(source: ByteSource, options: ReadOptions): Promise<Signal> {
  const taken = new WavIntake(await readWavHeaderFrom(source), source.size, options);
  for (const [from, to] of taken.blocks()) taken.add(await source.read(from, to));
  return taken.signal();
}

/** The samples of a WAV file, block by block: those of 16 bits that are as they are wanted stay so. */
class WavIntake {
  readonly #header: WavHeader;
  readonly #intake: SoundIntake;
  /** [frames, channels]. */
  readonly #words: Int16Array | undefined;
  #at = 0;

  /** Throws LimitError before there is room for a sample. */
  constructor(header: WavHeader, size: number, options: ReadOptions) {
    const { maxFileBytes } = options.limits;
    checkLimit('file-bytes', size, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
    const { rate, channels, isFloat, sampleBytes, frames } = header;
    const shape = soundShape(header, options);
    options.onShape?.(shape);
    const bits = isFloat ? 32 : 24;
    const notes =
      8 * sampleBytes > bits ? [`its samples of ${8 * sampleBytes} bits are read as ${bits}`] : [];
    this.#header = header;
    this.#intake = new SoundIntake({ frames, rate, channels, notes }, options);
    const isKept = !isFloat && sampleBytes === 2 && this.#intake.isAsItIs;
    this.#words = isKept ? new Int16Array(frames * channels) : undefined;
  }

  /** Where they begin and end in the file. */
  *blocks(): Generator<readonly [from: number, to: number]> {
    const { start, frames } = this.#header;
    const frameBytes = frameBytesOf(this.#header);
    for (let frame = 0; frame < frames; frame += blockFrames)
      yield [start + frame * frameBytes, start + Math.min(frames, frame + blockFrames) * frameBytes];
  }

  add(stored: Uint8Array): void {
    if (this.#words === undefined) {
      this.#intake.add(wavValues(stored, this.#header));
      return;
    }
    wavWords(stored, this.#header.littleEndian, this.#words, this.#at);
    this.#at += stored.length / 2;
  }

  signal(): Signal {
    return this.#words === undefined ? this.#intake.signal() : this.#intake.signalOfWords(this.#words);
  }
}

/** A WAV file of rows as they come: 16 bits where outputs are whole samples, else floats. Throws BadInputError `no-rate`, `wav-length`. */
async function* wavChunks(
  { shape, channels, axes, rows }: RowStream,
  outputs: readonly Output[],
): AsyncGenerator<Uint8Array> {
  const rate = rateOf(axes?.[0]);
  if (rate === undefined || rate < 0.5 || rate >= 2 ** 32) {
    throw new BadInputError(
      'no-rate',
      'nothing says how many samples a second these are, which a WAV file has to say; write an array',
    );
  }
  const isFloat = sampleTypeOf(outputs) !== 'int16';
  yield wavHeader({ rate: Math.round(rate), channels, frames: shape[0]!, isFloat });
  for await (const { values, fresh } of rows) {
    const size = values.length * (isFloat ? 4 : 2);
    // A sample's bytes begin no later than its value: what is overwritten was read.
    const bytes = fresh
      ? new DataView(values.buffer, values.byteOffset, size)
      : new DataView(new ArrayBuffer(size));
    for (let i = 0; i < values.length; i++) {
      const { low, peak } = outputs[i % outputs.length]!;
      const v = (2 * (values[i]! - low)) / peak - 1;
      if (isFloat) bytes.setFloat32(4 * i, v, true);
      else bytes.setInt16(2 * i, Math.min(32767, Math.max(-32768, Math.floor(v * 32768 + 0.5))), true);
    }
    yield new Uint8Array(bytes.buffer, bytes.byteOffset, size);
  }
}

/** Sounds of any length one after the other. Throws BadInputError `stack-shapes`. */
function after(signals: readonly Signal[]): RowStream {
  const [first] = signals;
  if (first === undefined || signals.some(({ channels }) => channels !== first.channels))
    throw new BadInputError(
      'stack-shapes',
      'one sound takes sounds of one number of channels, and at least one',
    );
  async function* rows() {
    let start = 0;
    for (const { shape, values } of signals) {
      yield { start, rows: shape[0]!, values };
      start += shape[0]!;
    }
  }
  const { channels, axes } = first;
  return { shape: [signals.reduce((sum, { shape }) => sum + shape[0]!, 0)], channels, axes, rows: rows() };
}
