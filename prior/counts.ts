/** Counting training symbols: what the histogram and factorized priors are fitted from. */
import { BadInputError } from '../src/core/errors.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import { pointCount } from '../src/field/spec.ts';
import { checkQuality } from './quantiser.ts';

/** How often each value occurred: value -> count. */
export type ValueCounts = Map<number, number>;

/** Counts of values for every quality and channel (channels of all levels, coarse to fine); grows as symbols are added. */
export class SymbolCounts {
  readonly channels: number;
  readonly #counts = new Map<number, ValueCounts[]>();

  /** `channels`: of all levels together. */
  constructor(channels: number) {
    this.channels = channels;
  }

  /** Adds the symbols [layout.length] of one signal. Throws BadInputError `quality` or `prior-layout`. */
  add(layout: ModulationLayout, quality: number, symbols: Int32Array): void {
    checkQuality(quality);
    const channels = layout.levels.reduce((sum, level) => sum + level.channels, 0);
    if (channels !== this.channels || symbols.length !== layout.length) {
      throw new BadInputError(
        'prior-layout',
        `${symbols.length} symbols in ${channels} channels, ${layout.length} in ${this.channels} wanted`,
      );
    }
    let perChannel = this.#counts.get(quality);
    if (perChannel === undefined) {
      perChannel = Array.from({ length: channels }, () => new Map<number, number>());
      this.#counts.set(quality, perChannel);
    }
    let at = 0;
    let first = 0;
    for (const level of layout.levels) {
      for (let cell = pointCount(level.cells); cell > 0; cell--) {
        for (let c = 0; c < level.channels; c++) {
          const counts = perChannel[first + c]!;
          const value = symbols[at++]!;
          counts.set(value, (counts.get(value) ?? 0) + 1);
        }
      }
      first += level.channels;
    }
  }

  /** Qualities seen, ascending. */
  get qualities(): number[] {
    return [...this.#counts.keys()].sort((a, b) => a - b);
  }

  /** Counts of every channel at a quality that was seen. */
  at(quality: number): readonly ValueCounts[] {
    return this.#counts.get(quality) ?? [];
  }

  /** Counts of all channels together at a quality. */
  pooled(quality: number): ValueCounts {
    const all: ValueCounts = new Map();
    for (const counts of this.at(quality)) {
      for (const [value, count] of counts) all.set(value, (all.get(value) ?? 0) + count);
    }
    return all;
  }
}

/** Index of the anchor nearest to `quality`, the lower of two; `anchors` ascend. */
export function nearestAnchor(anchors: ArrayLike<number>, quality: number): number {
  let best = 0;
  for (let i = 1; i < anchors.length; i++) {
    if (Math.abs(anchors[i]! - quality) < Math.abs(anchors[best]! - quality)) best = i;
  }
  return best;
}

/** Quality anchors as a prior stores them. Throws BadInputError `prior-anchors` unless they ascend within 1..100. */
export function checkAnchors(anchors: Uint8Array, name: string): Uint8Array {
  if (anchors.length === 0 || anchors.some((q, i) => q < 1 || q > 100 || (i > 0 && q <= anchors[i - 1]!))) {
    throw new BadInputError('prior-anchors', `${name}: qualities ascend within 1..100, not [${anchors}]`);
  }
  return anchors;
}
