/**
 * What a parser may be asked for. A count read from bytes is compared with its limit before anything is sized by
 * it: a file of 60 bytes can ask for anything.
 */
import { anObject, check } from './check.ts';
import { LimitError } from './errors.ts';

export interface Limits {
  /** Points of a signal: samples, grid points. */
  readonly maxSamples: number;
  /** Multiply-adds that one request may spend in evaluating a field. */
  readonly maxMultiplyAdds: number;
  /** Bytes of one file, read or written. */
  readonly maxFileBytes: number;
  /** Symbols of one stream: quantised values of all modulations in it. */
  readonly maxSymbols: number;
  /** Symbols of one stream beyond those that its bytes can pay for: see codec/paid.ts. */
  readonly maxFreeSymbols: number;
  /** Points along one axis of a signal. */
  readonly maxAxis: number;
}

/** One limit: what it is called where, and what it is unless told otherwise. */
export interface LimitEntry {
  /** Of the command line. */
  readonly flag: string;
  readonly what: string;
  /** Of the library and the command line. */
  readonly usual: number;
  /** Of the server, which works for strangers. */
  readonly server: number;
}

/**
 * Every limit, once: types, flags, defaults and docs/limits.md are of this table. Usual: room for a picture of 8192 x 8192 or an hour of
 * speech on a machine with 8 GB to spare, and for one of 4000 x 3000 at any effort.
 */
export const limitTable: Readonly<Record<keyof Limits, LimitEntry>> = {
  maxSamples: {
    flag: '--max-samples',
    what: 'points of a signal, given or made: samples, grid points',
    usual: 2 ** 26,
    server: 2 ** 24,
  },
  maxMultiplyAdds: {
    flag: '--max-work',
    what: 'multiply-adds of one signal: fitting, evaluating, coding',
    usual: 2 ** 46,
    server: 2 ** 39,
  },
  maxFileBytes: {
    flag: '--max-bytes',
    what: 'bytes of one input',
    usual: 2 ** 28,
    server: 2 ** 25,
  },
  maxSymbols: {
    flag: '--max-symbols',
    what: 'numbers of a modulation, of all signals of one stream',
    usual: 2 ** 26,
    server: 2 ** 22,
  },
  maxFreeSymbols: {
    flag: '--max-free-symbols',
    what: 'symbols of one stream beyond those that its bytes can hold',
    usual: 2 ** 22,
    server: 2 ** 18,
  },
  maxAxis: {
    flag: '--max-axis',
    what: 'points along one axis',
    usual: 2 ** 26,
    server: 2 ** 26,
  },
};

export const limitNames = Object.keys(limitTable) as (keyof Limits)[];

function column(of: 'usual' | 'server'): Limits {
  const { maxSamples, maxMultiplyAdds, maxFileBytes, maxSymbols, maxFreeSymbols, maxAxis } = limitTable;
  return {
    maxSamples: maxSamples[of],
    maxMultiplyAdds: maxMultiplyAdds[of],
    maxFileBytes: maxFileBytes[of],
    maxSymbols: maxSymbols[of],
    maxFreeSymbols: maxFreeSymbols[of],
    maxAxis: maxAxis[of],
  };
}

export const defaultLimits: Limits = column('usual');
/** Of a server, unless its options say otherwise. */
export const serverLimits: Limits = column('server');

/**
 * The defaults, with some replaced: `withLimits({ maxSamples: 1e6 })`.
 *
 * @example
 * const limits = withLimits({ maxMultiplyAdds: 2 ** 50 });
 */
export function withLimits(changes: Partial<Limits> = {}): Limits {
  check('withLimits', anObject(changes, 'changes'));
  return { ...defaultLimits, ...changes };
}

/**
 * Throws LimitError `limit-<limit>` unless `asked <= allowed`; NaN never passes. `limit` is kebab-case
 * (`samples`, `file-bytes`); `hint` says what the caller can do, without a full stop.
 */
export function checkLimit(limit: string, asked: number, allowed: number, hint: string): void {
  if (!(asked <= allowed)) throw new LimitError(limit, allowed, asked, hint);
}
