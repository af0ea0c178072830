/**
 * A stack of grids as tokens: one for each cell of the coarsest grid, which holds its own channels and those of all cells
 * of the finer grids that begin within it. A modulation of one cell is one token.
 */
import { checkLimit } from '../../src/core/limits.ts';
import { pointCount } from '../../src/field/spec.ts';
import type { LayoutLevel, SymbolLayout } from '../prior.ts';

export interface TokenLayout {
  /** Numbers of a modulation. */
  readonly length: number;
  readonly tokens: number;
  /** Numbers of a token; those that no number of the modulation falls on stay 0. */
  readonly slots: number;
  /** [length]: where each number goes in [tokens, slots]. */
  readonly places: Int32Array;
}

const maxTokens = 1024;

/** Throws LimitError `limit-tokens`. */
export function tokenLayout({ levels, length }: SymbolLayout): TokenLayout {
  const grids = levels.filter(({ cells }) => pointCount(cells) > 1);
  const coarsest = grids.reduce<LayoutLevel | undefined>(
    (best, level) => (best && pointCount(best.cells) <= pointCount(level.cells) ? best : level),
    undefined,
  );
  const tokens = coarsest ? pointCount(coarsest.cells) : 1;
  checkLimit('tokens', tokens, maxTokens, 'this network has too many cells for a prior over all of them');
  const used = new Int32Array(tokens);
  const token = new Int32Array(length);
  const slot = new Int32Array(length);
  let at = 0;
  for (const level of levels) {
    for (let cell = 0; cell < pointCount(level.cells); cell++) {
      const owner = coarsest ? ownerOf(cell, level, coarsest) : 0;
      for (let c = 0; c < level.channels; c++, at++) {
        token[at] = owner;
        slot[at] = used[owner]!++;
      }
    }
  }
  const slots = Math.max(...used);
  return { length, tokens, slots, places: token.map((t, i) => t * slots + slot[i]!) };
}

/** The cell of `coarse` in which this cell begins. */
function ownerOf(index: number, level: LayoutLevel, coarse: LayoutLevel): number {
  let rest = index;
  let owner = 0;
  let stride = 1;
  for (let axis = coarse.cells.length - 1; axis >= 0; axis--) {
    const n = level.cells[axis]!;
    const start = (rest % n) * (level.cell?.[axis] ?? 0);
    rest = Math.floor(rest / n);
    owner += stride * Math.min(coarse.cells[axis]! - 1, Math.floor(start / (coarse.cell?.[axis] ?? 1)));
    stride *= coarse.cells[axis]!;
  }
  return owner;
}

/** [count, length] to [count, tokens * slots]. */
export function toTokens({ length, tokens, slots, places }: TokenLayout, z: Float32Array): Float32Array {
  const count = z.length / length;
  const size = tokens * slots;
  const out = new Float32Array(count * size);
  for (let i = 0; i < count; i++)
    for (let d = 0; d < length; d++) out[i * size + places[d]!] = z[i * length + d]!;
  return out;
}

/** [count, tokens * slots] to [count, length]. */
export function fromTokens(
  { length, tokens, slots, places }: TokenLayout,
  values: Float32Array,
): Float32Array {
  const size = tokens * slots;
  const count = values.length / size;
  const out = new Float32Array(count * length);
  for (let i = 0; i < count; i++)
    for (let d = 0; d < length; d++) out[i * length + d] = values[i * size + places[d]!]!;
  return out;
}
