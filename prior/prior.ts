/**
 * What a prior is: one traversal over the symbols of a modulation that hands a table of integer frequencies to a
 * coder at every step. The same traversal encodes, decodes, prices, chooses and draws: which one is the coder's
 * business, so no two of them can fall out of step.
 */
import type { ModulationLayout } from '../src/field/layout.ts';
import type { PriorKind } from './kinds.ts';

/** Frequencies of a table sum to 2^16. */
export const tableBits = 16;

/** Symbols lie in [-maxSymbol, maxSymbol]. */
export const maxSymbol = 1 << 20;

/**
 * A distribution over the integers. Symbol i < n - 1 of the table stands for the 2^shift values
 * offset + (min + i) 2^shift + (0 .. 2^shift - 1), all equally likely; symbol n - 1 is the escape to values outside.
 */
export interface Table {
  /** [n + 1]: 0, ..., 2^16, strictly increasing: no frequency is zero. */
  readonly cdf: Uint32Array;
  readonly min: number;
  readonly shift: number;
}

export interface SymbolCoder {
  /**
   * Encoding and pricing take `value` and return it; decoding and drawing ignore it and return the value found.
   * Values outside the table go through its escape.
   */
  code(table: Table, offset: number, value: number): number;
  /**
   * What a coder that only goes forward may do beside: take many symbols at once, as the intervals of 2^16 that `code` would have
   * come to, start + 2^16 frequency each. They are the caller's again afterwards.
   */
  take?(intervals: Uint32Array): void;
  /**
   * What a coder that only looks at tables may do beside: take all at once, as pairs [length, 2] of a place in `tables` and an offset. They are the
   * caller's again afterwards; `tables` stays.
   */
  takeTables?(tables: readonly Table[], pairs: Int32Array): void;
  /** Bits beyond which it makes no use of what it is given; a walk may give it the first that take more, and end. */
  readonly mostBits?: number | undefined;
  /** Where a decoder of rANS is; symbols may be read from here by others, who say where they left off. */
  place?: StreamPlace;
}

/** The next byte of a rANS stream, and the state, in [0, 2^31); see codec/rans.ts. */
export interface StreamPlace {
  readonly bytes: Uint8Array;
  readonly next: number;
  readonly state: number;
}

/** Symbols of a modulation; a byte each where they are known to fit, of which walks that find symbols know nothing. */
export type Symbols = Int32Array | Int8Array;

/** Cells `from` to `to` of one level. */
export interface WalkPart {
  readonly level: number;
  readonly from: number;
  readonly to: number;
}

export interface EntropyPrior {
  readonly kind: PriorKind;
  /** Multiply-adds spent on one symbol, at most: what a limit on work counts. */
  readonly multiplyAddsPerSymbol: number;
  /** Largest frequency, below 2^16, in any table that symbols of this quality may use: how little a symbol can cost. */
  largestFrequency(quality: number): number;
  /**
   * Visits every symbol in the order of the layout, calls `coder.code` once for each with the value in `symbols`
   * [layout.length], and writes what it returns back. `quality` is an integer from 1 to 100. With a `part` only its symbols are visited,
   * all others being known.
   */
  walk(
    layout: ModulationLayout,
    quality: number,
    symbols: Symbols,
    coder: SymbolCoder,
    part?: WalkPart | undefined,
  ): void;
  /** Of a prior whose tables are those of channels, whatever the symbols before: they, [channels]. Throws as `walk`. */
  tablesOf?(layout: ModulationLayout, quality: number): readonly ChannelTable[];
}

/** What the symbols of a channel are coded with: those of `table`, `offset` above its own. */
export interface ChannelTable {
  readonly table: Table;
  readonly offset: number;
}

/** The symbols of a part, from the first to before the last; of all without one. */
export function symbolsOfPart(
  { levels, length }: ModulationLayout,
  part: WalkPart | undefined,
): readonly [from: number, to: number] {
  if (part === undefined) return [0, length];
  const { at, channels } = levels[part.level]!;
  return [at + part.from * channels, at + part.to * channels];
}
