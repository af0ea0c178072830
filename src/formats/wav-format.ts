/** WAV: sounds, sample for sample. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { type Output, sampleTypeOf } from '../field/outputs.ts';
import type { RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import type { ReadOptions, SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { rateOf, signalOfSound, sound, soundShape } from './sound.ts';
import { readWavHeader, readWavSamples, wavHeader } from './wav.ts';

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
  async read(bytes, options) {
    return readWav(bytes, options);
  },
  together: 'one after the other',
  write: (rows, outputs) => wavChunks(rows, outputs),
  writeAll: (signals, outputs) => wavChunks(after(signals), outputs),
} as const satisfies SignalFormat;

function readWav(bytes: Uint8Array, options: ReadOptions): Signal {
  checkLimit(
    'file-bytes',
    bytes.length,
    options.limits.maxFileBytes,
    'send a smaller file, or raise maxFileBytes',
  );
  const header = readWavHeader(bytes);
  const { rate, channels, isFloat, sampleBytes } = header;
  const shape = soundShape(header, options);
  options.onShape?.(shape);
  const bits = isFloat ? 32 : 24;
  const notes = 8 * sampleBytes > bits ? [`its samples of ${8 * sampleBytes} bits are read as ${bits}`] : [];
  return signalOfSound({ values: readWavSamples(bytes, header), channels, rate, notes }, options);
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
  for await (const { values } of rows) {
    const bytes = new DataView(new ArrayBuffer(values.length * (isFloat ? 4 : 2)));
    for (let i = 0; i < values.length; i++) {
      const { low, peak } = outputs[i % outputs.length]!;
      const v = (2 * (values[i]! - low)) / peak - 1;
      if (isFloat) bytes.setFloat32(4 * i, v, true);
      else bytes.setInt16(2 * i, Math.min(32767, Math.max(-32768, Math.floor(v * 32768 + 0.5))), true);
    }
    yield new Uint8Array(bytes.buffer);
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
