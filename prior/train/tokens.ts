/**
 * A stack of grids as tokens: one for each cell of the coarsest grid, which holds its own channels and those of all cells
 * of the finer grids that begin within it. A modulation of one cell is one token.
 */
import { checkLimit } from '../../src/core/limits.ts';
import type { LayoutLevel, ModulationLayout } from '../../src/field/layout.ts';
import { pointCount } from '../../src/field/spec.ts';

export interface TokenLayout {
  /** Numbers of a modulation. */
  readonly length: number;
  readonly tokens: number;
  /** Of the coarsest grid, row-major: a token each. */
  readonly cells: readonly number[];
  /** Numbers of a token: the same slot is the same place within every token. Those that no number falls on stay 0. */
  readonly slots: number;
  /** [length]: where each number goes in [tokens, slots]. */
  readonly places: Int32Array;
  /** [length]: the token of each number. */
  readonly tokenOf: Int32Array;
}

const maxTokens = 1024;

/** Throws LimitError `limit-tokens`. */
export function tokenLayout({ levels, length }: ModulationLayout): TokenLayout {
  const grids = levels.filter(({ cells }) => pointCount(cells) > 1);
  const coarsest = grids.reduce<LayoutLevel | undefined>(
    (best, level) => (best && pointCount(best.cells) <= pointCount(level.cells) ? best : level),
    undefined,
  );
  const tokens = coarsest ? pointCount(coarsest.cells) : 1;
  checkLimit('tokens', tokens, maxTokens, 'this network has too many cells for a prior over all of them');
  const token = new Int32Array(length);
  const slot = new Int32Array(length);
  let slots = 0;
  let at = 0;
  for (const level of levels) {
    const axes = level.cells.map((n, axis) => axisOwners(n, level, coarsest, axis));
    const within = axes.map(({ offset }) => Math.max(...offset) + 1);
    for (let cell = 0; cell < pointCount(level.cells); cell++) {
      let rest = cell;
      let owner = 0;
      let place = 0;
      // From the last axis to the first, as in row-major order.
      for (let axis = axes.length - 1, stride = 1, inner = 1; axis >= 0; axis--) {
        const index = rest % level.cells[axis]!;
        rest = Math.floor(rest / level.cells[axis]!);
        owner += stride * axes[axis]!.owner[index]!;
        place += inner * axes[axis]!.offset[index]!;
        stride *= coarsest?.cells[axis] ?? 1;
        inner *= within[axis]!;
      }
      for (let c = 0; c < level.channels; c++, at++) {
        token[at] = owner;
        slot[at] = slots + place * level.channels + c;
      }
    }
    slots += pointCount(within) * level.channels;
  }
  const places = token.map((t, i) => t * slots + slot[i]!);
  return { length, tokens, cells: coarsest?.cells ?? [1], slots, places, tokenOf: token };
}

/** Along one axis: in which coarse cell each cell begins, and the how manieth it is there. */
function axisOwners(n: number, level: LayoutLevel, coarse: LayoutLevel | undefined, axis: number) {
  const owner: number[] = [];
  const offset: number[] = [];
  for (let i = 0; i < n; i++) {
    const start = i * (level.cell?.[axis] ?? 0);
    const most = (coarse?.cells[axis] ?? 1) - 1;
    owner.push(Math.min(most, Math.floor(start / (coarse?.cell?.[axis] ?? 1))));
    offset.push(i > 0 && owner[i - 1] === owner[i] ? offset[i - 1]! + 1 : 0);
  }
  return { owner, offset };
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
