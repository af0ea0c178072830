/**
 * What a parser may be asked for. A count read from bytes is compared with its limit before anything is sized by
 * it: a file of 60 bytes can ask for anything.
 */
import { LimitError } from './errors.ts';

export interface Limits {
  /** Points of a signal: pixels, samples, grid points. */
  readonly maxSamples: number;
  /** Multiply-adds that one request may spend in evaluating a field. */
  readonly maxMultiplyAdds: number;
  /** Bytes of one file, read or written. */
  readonly maxFileBytes: number;
  /** Symbols of one stream: quantised values of all modulations in it. */
  readonly maxSymbols: number;
  /** Points along one axis of a signal. */
  readonly maxAxis: number;
}

/** Room for a picture of 8192 x 8192 or an hour of speech, on a machine with 2 GB to spare. */
export const defaultLimits: Limits = {
  maxSamples: 2 ** 26,
  maxMultiplyAdds: 2 ** 40,
  maxFileBytes: 2 ** 28,
  maxSymbols: 2 ** 26,
  maxAxis: 2 ** 26,
};

/** The defaults, with some replaced: `withLimits({ maxSamples: 1e6 })`. */
export function withLimits(changes: Partial<Limits> = {}): Limits {
  return { ...defaultLimits, ...changes };
}

/**
 * Throws LimitError `limit-<limit>` unless `asked <= allowed`; NaN never passes. `limit` is kebab-case
 * (`samples`, `file-bytes`); `hint` says what the caller can do, without a full stop.
 */
export function checkLimit(limit: string, asked: number, allowed: number, hint: string): void {
  if (!(asked <= allowed)) throw new LimitError(limit, allowed, asked, hint);
}
