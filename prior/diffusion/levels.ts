/**
 * Noise levels of tokens. Where each token has one of its own, a part of a signal can be clean while the rest is noise: what is known
 * then tells the network what is not (B. Chen et al., arXiv 2407.01392, with levels of frames). See docs/adr/0074.
 */
import type { Rng } from '../../src/core/rng.ts';
import { pointCount, unravel } from '../../src/field/spec.ts';
import { levelFeatures, levelNumbers } from './net.ts';

/** One level for all tokens, or one for each. */
export type Levels = number | ArrayLike<number>;

/** Training items of which a part is known. */
export const partlyKnown = 0.6;
/** Where their levels lie, evenly in their logarithms: of what is hidden, and of what is known. */
const hidden = { from: 0.1, to: 20 };
const known = { from: 0.02, to: 2 };
/** Known tokens differ by so much, in logarithms. */
const unevenness = 0.5;
/** Items of which tokens are known one by one, and not a region. */
const scattered = 0.25;

export function levelOf(levels: Levels, token: number): number {
  return typeof levels === 'number' ? levels : levels[token]!;
}

export function highestOf(levels: Levels): number {
  return typeof levels === 'number' ? levels : Math.max(...Array.from(levels));
}

/** Into `out` [tokens, 64]. */
export function tokenFeatures(levels: Levels, out: Float32Array): void {
  const tokens = out.length / levelNumbers;
  const shared = typeof levels === 'number' ? levelFeatures(levels) : undefined;
  for (let t = 0; t < tokens; t++) out.set(shared ?? levelFeatures(levelOf(levels, t)), t * levelNumbers);
}

/** Levels of a training item of which a part is known: in or around a box of the grid of `cells`, or tokens here and there. */
export function partLevels(cells: readonly number[], rng: Rng): Float64Array {
  const between = ({ from, to }: typeof hidden) => from * (to / from) ** rng.uniform();
  const [high, low] = [between(hidden), between(known)];
  const isKnown = rng.uniform() < scattered ? scatter(rng) : box(cells, rng);
  return Float64Array.from({ length: pointCount(cells) }, (_, token) =>
    isKnown(token) ? Math.min(high, low * Math.exp(unevenness * rng.normal())) : high,
  );
}

function scatter(rng: Rng): (token: number) => boolean {
  const share = rng.uniform();
  return () => rng.uniform() < share;
}

/** Half of the boxes reach along an axis from end to end; half of them are what is hidden. */
function box(cells: readonly number[], rng: Rng): (token: number) => boolean {
  const spans = cells.map((n) => {
    if (rng.uniform() < 0.5) return [0, n] as const;
    const [a, b] = [rng.below(n + 1), rng.below(n + 1)];
    return [Math.min(a, b), Math.max(a, b)] as const;
  });
  const outside = rng.uniform() < 0.5;
  return (token) => {
    const at = unravel(cells, token);
    return spans.every(([from, to], axis) => at[axis]! >= from && at[axis]! < to) !== outside;
  };
}
