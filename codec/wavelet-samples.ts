/** Samples as levels of wavelets and back: what is lost, and what it is taken for. FORMAT.md, "By wavelets". */
import type { BitDecoder, BitEncoder } from '../prior/bits.ts';
import { log2 } from '../src/core/detmath.ts';
import type { SampleFormat, Samples } from '../src/field/samples.ts';
import { walkWavelets } from './wavelet-walk.ts';
import { analyse, synthesise, type WaveletGrid } from './wavelets.ts';

/** A coefficient that is one step, or more, is nearer to 0 than its level by so much of a step: small ones are more likely. */
const nearer = [0.05, 0.025] as const;

/** For a bit more, so much of a step squared may be saved in error: the half of what it costs at most rates. */
const worth = 0.03;
/** What is expected where nothing is, in steps. */
const least = 0.05;

/** How levels stand for samples. */
export interface WaveletSetting {
  readonly grid: WaveletGrid;
  /** In samples. */
  readonly step: number;
  readonly format: SampleFormat;
}

/** Writes the levels of samples; what a reader finds, once they are written. */
export function writeWavelets(
  { grid, step, format }: WaveletSetting,
  samples: Samples,
  coder: BitEncoder,
): () => Samples {
  const coefficients = Float32Array.from(samples);
  analyse(coefficients, grid);
  const levels = new Int32Array(samples.length);
  walkWavelets(grid, levels, coder, (at, expected) => {
    const coefficient = coefficients[at]!;
    const size = Math.abs(coefficient) / step;
    let level = Math.floor(size + 0.5);
    if (level === 0) return 0;
    // Bits of one more, where sizes fall off by a geometric law, and of the first a sign.
    const bits = log2(1 + 1 / Math.max(expected, least)) + (level === 1 ? 1 : 0);
    if (size < level - 0.5 + worth * bits) level--;
    return coefficient < 0 ? -level : level;
  });
  return () => samplesOf(levels, { grid, step, format }, samples.slice());
}

/** Throws BadStreamError as the coder. */
export function readWavelets(setting: WaveletSetting, coder: BitDecoder, into: Samples): void {
  const levels = new Int32Array(into.length);
  walkWavelets(setting.grid, levels, coder);
  samplesOf(levels, setting, into);
}

/** The levels are overwritten: their room is that of the values. */
function samplesOf(
  levels: Int32Array,
  { grid, step, format: { low, high } }: WaveletSetting,
  into: Samples,
): Samples {
  const values = new Float32Array(levels.buffer);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    const size = level < 0 ? -level : level;
    const value = size === 0 ? 0 : (size - nearer[size === 1 ? 0 : 1]) * step;
    values[i] = level < 0 ? -value : value;
  }
  synthesise(values, grid);
  for (let i = 0; i < into.length; i++) {
    const sample = Math.floor(values[i]! + 0.5);
    into[i] = sample < low ? low : sample > high ? high : sample;
  }
  return into;
}
