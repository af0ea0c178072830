/**
 * From a position to what a field sees of it: coordinate features and the cells of the latent grids around it.
 *
 * These are the definitions that every engine follows. Positions are in signal units (sample i of an axis stands
 * at i + 0.5) and all of this is computed in float64, so that engines in float32 agree on the cell a point falls
 * in; they round weights and features to float32 as the last thing they do.
 *
 *   cells along an axis    n = max(1, ceil(shape / cell)); a level whose cell is `null` has one, of weight 1
 *   nearest                j = floor(x / cell), clamped to [0, n - 1]
 *   linear                 knots at cell centres (j + 0.5) cell:  p = x / cell - 0.5,  j = floor(p),
 *                          weights 1 - (p - j) for j and p - j for j + 1, both clamped to [0, n - 1] afterwards
 *   cubic                  knots as those of linear, f = p - j, g = 1 - f (R. G. Keys, 1981, with a = -3/4):
 *                          weights a f g^2 for j - 1, (a + 2) f^3 - (a + 3) f^2 + 1 for j, the same of g for j + 1 and a g f^2
 *                          for j + 2, all clamped to [0, n - 1]
 *   several axes           products of the axes' weights
 *   a circle               of the last axis, where the specification wraps: x is taken modulo the extent, n cells of extent / n go round it, and
 *                          cells beyond either end are those at the other, j modulo n; a period is stretched likewise
 *   period                 of an axis: what the specification says, else the smallest cell of all levels that have one,
 *                          else the signal's extent
 *   features               t = x / period, r = t - floor(t):
 *                          global   2 x / extent - 1          per axis
 *                          local    2 r - 1                   per axis
 *                          j = 1..harmonics, per axis:        sin(2 pi j r), cos(2 pi j r)
 *
 * A harmonic that samples cannot tell from a lower one is 0: sine and cosine of a wave shorter than two samples, and the
 * cosine of one of two, which vanishes at every sample. What a network never saw it would make up between the samples.
 *
 * Positions outside the signal are valid: grids are constant beyond their outermost knots, and go on around a circle.
 */
import { type FieldSpec, featureCount, type GridLevel, gridCells, type Interpolation } from './spec.ts';

/** Share of one cell in an interpolated value. */
export interface Tap {
  /** Index of the cell, row-major over the cells of its level (or along one axis). */
  readonly cell: number;
  readonly weight: number;
}

/** What of a field says whether the last axis of its signals is a circle. */
export type Circle = Pick<FieldSpec, 'wraps'>;

/** Whether `axis` of a signal of `shape` is a circle. */
export function isCircle({ wraps = false }: Circle, shape: readonly number[], axis: number): boolean {
  return wraps && axis === shape.length - 1;
}

/** Size of a cell of a level along an axis in signal units: around a circle, of as many equal ones as the level has. */
export function cellSize(field: Circle, level: GridLevel, shape: readonly number[], axis: number): number {
  const extent = shape[axis]!;
  const size = level.cell?.[axis] ?? extent;
  return isCircle(field, shape, axis) ? dividing(extent, size) : size;
}

/** The largest size of at most `size` that divides the extent. */
function dividing(extent: number, size: number): number {
  return extent / Math.max(1, Math.ceil(extent / size));
}

/** Taps of a level along one axis of a signal of `shape`: `tapCount` of them, perhaps several of the same cell. */
export function axisTaps(
  field: Circle,
  level: GridLevel,
  shape: readonly number[],
  axis: number,
  x: number,
): Tap[] {
  return tapsWith(tapWeights, { field, level, shape, axis }, x);
}

/** As `axisTaps`, with the weights' derivatives by x in their place. */
export function axisSlopes(
  field: Circle,
  level: GridLevel,
  shape: readonly number[],
  axis: number,
  x: number,
): Tap[] {
  if (level.cell === null) return [{ cell: 0, weight: 0 }];
  const size = cellSize(field, level, shape, axis);
  const taps = tapsWith(tapSlopes, { field, level, shape, axis }, x);
  return taps.map(({ cell, weight }) => ({ cell, weight: weight / size }));
}

interface LevelAxis {
  readonly field: Circle;
  readonly level: GridLevel;
  readonly shape: readonly number[];
  readonly axis: number;
}

function tapsWith(
  weights: Readonly<Record<Interpolation, (f: number) => number[]>>,
  { field, level, shape, axis }: LevelAxis,
  x: number,
): Tap[] {
  if (level.cell === null) return [{ cell: 0, weight: 1 }];
  const n = gridCells(level, shape)[axis]!;
  const round = isCircle(field, shape, axis);
  const t = (round ? aroundCircle(x, shape[axis]!) : x) / cellSize(field, level, shape, axis);
  const p = level.interpolation === 'nearest' ? t : t - 0.5;
  const knot = Math.floor(p);
  const first = level.interpolation === 'cubic' ? knot - 1 : knot;
  return weights[level.interpolation](p - knot).map((weight, i) => {
    const cell = first + i;
    return { cell: round ? cell - Math.floor(cell / n) * n : Math.min(Math.max(cell, 0), n - 1), weight };
  });
}

/** The place in [0, extent) of a coordinate on a circle: the same for those that are whole turns apart. */
function aroundCircle(x: number, extent: number): number {
  return x - Math.floor(x / extent) * extent;
}

/** Weights of the taps from below, at `f` of a cell past a knot. */
const tapWeights: Readonly<Record<Interpolation, (f: number) => number[]>> = {
  nearest: () => [1],
  linear: (f) => [1 - f, f],
  cubic: (f) => [outer(f), inner(f), inner(1 - f), outer(1 - f)],
};

/** Their derivatives by `f`. */
const tapSlopes: typeof tapWeights = {
  nearest: () => [0],
  linear: () => [-1, 1],
  cubic: (f) => [outerSlope(f), innerSlope(f), -innerSlope(1 - f), -outerSlope(1 - f)],
};

/** The kernel of Keys at 1 + d and at d, 0 <= d <= 1, with a = -3/4. */
const outer = (d: number) => -0.75 * d * (1 - d) * (1 - d);
const inner = (d: number) => (1.25 * d - 2.25) * d * d + 1;
const outerSlope = (d: number) => -0.75 * (1 - d) * (1 - 3 * d);
const innerSlope = (d: number) => (3.75 * d - 4.5) * d;

/**
 * The cells of `level` that make up its value at `x` [axes]; their weights sum to 1. Last axis fastest; `tapCount`^axes taps. With `along`,
 * an axis, weights are replaced by their derivatives along it.
 */
export function levelStencil(
  field: Circle,
  level: GridLevel,
  shape: readonly number[],
  x: ArrayLike<number>,
  along?: number,
): Tap[] {
  let taps: Tap[] = [{ cell: 0, weight: 1 }];
  gridCells(level, shape).forEach((n, axis) => {
    const factors = (axis === along ? axisSlopes : axisTaps)(field, level, shape, axis, x[axis]!);
    taps = taps.flatMap((a) =>
      factors.map((b) => ({ cell: a.cell * n + b.cell, weight: a.weight * b.weight })),
    );
  });
  return taps;
}

/** Period of the features along each axis [axes] in signal units: around a circle, a whole number of times. */
export function periodOf(spec: FieldSpec, shape: readonly number[]): number[] {
  return shape.map((extent, axis) => {
    const sizes = spec.levels.flatMap((level) => (level.cell === null ? [] : [level.cell[axis]!]));
    const period = spec.features.period?.[axis] ?? (sizes.length > 0 ? Math.min(...sizes) : extent);
    return isCircle(spec, shape, axis) ? dividing(extent, period) : period;
  });
}

/** Coordinate features h_0 [featureCount(spec)] at `x` [axes] of a signal of `shape`. */
export function features(spec: FieldSpec, shape: readonly number[], x: ArrayLike<number>): Float64Array {
  const out = new Float64Array(featureCount(spec));
  const period = periodOf(spec, shape);
  const position = period.map((size, axis) => {
    const t = (isCircle(spec, shape, axis) ? aroundCircle(x[axis]!, shape[axis]!) : x[axis]!) / size;
    return t - Math.floor(t);
  });
  let at = 0;
  if (spec.features.global)
    for (let axis = 0; axis < spec.axes; axis++) out[at++] = (2 * x[axis]!) / shape[axis]! - 1;
  if (spec.features.local) for (const r of position) out[at++] = 2 * r - 1;
  for (let j = 1; j <= spec.features.harmonics; j++) {
    position.forEach((r, axis) => {
      const wave = period[axis]! / j;
      out[at++] = wave < 2 ? 0 : Math.sin(2 * Math.PI * j * r);
      out[at++] = wave > 2 ? Math.cos(2 * Math.PI * j * r) : 0;
    });
  }
  return out;
}

/** Positions [n, axes], row-major, of the regular grid start + i * step, last axis fastest. */
export function gridPositions(grid: {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly count: readonly number[];
}): Float64Array {
  const axes = grid.count.length;
  const n = grid.count.reduce((product, c) => product * c, 1);
  const out = new Float64Array(n * axes);
  for (let i = 0; i < n; i++) {
    let rest = i;
    for (let axis = axes - 1; axis >= 0; axis--) {
      const c = grid.count[axis]!;
      out[i * axes + axis] = grid.start[axis]! + (rest % c) * grid.step[axis]!;
      rest = Math.floor(rest / c);
    }
  }
  return out;
}

/**
 * The regular grid that covers a signal of `shape` with `count` points along each axis (the samples themselves when
 * absent), each in the middle of its share: point i of an axis stands at (i + 0.5) * shape / count.
 */
export function coveringGrid(
  shape: readonly number[],
  count: readonly number[] = shape,
): { kind: 'grid'; start: number[]; step: number[]; count: number[] } {
  const step = shape.map((extent, axis) => extent / count[axis]!);
  return { kind: 'grid', start: step.map((s) => s / 2), step, count: [...count] };
}
