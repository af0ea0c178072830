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
export const partlyKnown = 0.7;
/** Of these, items without their label, since what is to be completed comes without one. */
export const partLabelDropout = 0.6;
/** What is known says little that is new: its share of the loss of a part that is not. */
export const knownWeight = 0.2;
/** Where levels lie, evenly in their logarithms: of what is hidden, and of what is known. */
const hidden = { from: 0.2, to: 20 };
const known = { from: 0.02, to: 0.5 };
/** Known tokens differ by so much, in logarithms. */
const unevenness = 0.5;
/** Items of which tokens are known one by one, and not a region; those of which all on one side of a line are; the others know boxes. */
const scattered = 0.2;
const halved = 0.45;
/** Items whose hidden tokens beside known ones are known in part. */
const bordered = 0.5;

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

/** A training item of which a part is known. */
export interface Part {
  /** [tokens]. */
  readonly levels: Float64Array;
  /** [tokens]: 1 where it is known. */
  readonly known: Uint8Array;
}

/** Of the grid of `cells`, known is what is in or around a box, on one side of a line, or here and there. */
export function drawPart(cells: readonly number[], rng: Rng): Part {
  const between = ({ from, to }: typeof hidden) => from * (to / from) ** rng.uniform();
  const high = between(hidden);
  const low = Math.min(high, between(known));
  const kind = rng.uniform();
  const isKnown =
    kind < scattered ? scatter(rng) : kind < scattered + halved ? half(cells, rng) : box(cells, rng);
  const tokens = pointCount(cells);
  const shown = Uint8Array.from({ length: tokens }, (_, token) => Number(isKnown(token)));
  // Of a token on the border some points are seen.
  const border = rng.uniform() < bordered ? low * (high / low) ** rng.uniform() : high;
  const levels = Float64Array.from({ length: tokens }, (_, token) => {
    if (shown[token] === 1) return Math.min(high, low * Math.exp(unevenness * rng.normal()));
    return neighbours(cells, token).some((other) => shown[other] === 1) ? border : high;
  });
  return { levels, known: shown };
}

/** Tokens one step away along an axis. */
function neighbours(cells: readonly number[], token: number): number[] {
  const at = unravel(cells, token);
  return cells.flatMap((n, axis) => {
    const stride = pointCount(cells.slice(axis + 1));
    return [...(at[axis]! > 0 ? [token - stride] : []), ...(at[axis]! < n - 1 ? [token + stride] : [])];
  });
}

function scatter(rng: Rng): (token: number) => boolean {
  const share = rng.uniform();
  return () => rng.uniform() < share;
}

/** All on one side of a line across an axis. */
function half(cells: readonly number[], rng: Rng): (token: number) => boolean {
  const long = cells.flatMap((n, axis) => (n > 1 ? [axis] : []));
  const axis = long[rng.below(long.length)]!;
  const cut = 1 + rng.below(cells[axis]! - 1);
  const before = rng.uniform() < 0.5;
  return (token) => unravel(cells, token)[axis]! < cut === before;
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
