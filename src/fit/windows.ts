/**
 * Windows in which a large signal is fitted, so that the memory of a search does not grow with the signal and its time grows in line.
 *
 * A window is a signal of its own: it starts where cells of every level and a period of the features start, so that its cells are cells
 * of the whole. Every cell of every level is one window's own. Around these a window has a halo, so wide that samples which its own cells
 * reach read nothing but cells of the window. The halo is fitted along and dropped: what its cells become there is about what they become
 * in the window that owns them, as both see the same samples. No window waits for another, and none knows how many there are.
 */
import { isCircle } from '../field/coordinates.ts';
import { type PartRun, runsOfPart } from '../field/part.ts';
import { type FieldSpec, pointCount, tapCount } from '../field/spec.ts';
import type { Box } from '../signal/box.ts';

export interface FitWindow {
  /** The samples that are fitted together: those of its own cells, and the halo. */
  readonly box: Box;
  /** Those whose cells it keeps. */
  readonly own: Box;
}

/** How large windows are. */
export interface WindowSizes {
  /** Points of a signal that is one window, at most. */
  readonly whole: number;
  /** Points of a window's own, about. */
  readonly own: number;
  /** A window's own points are along an axis at least so many times its halo, of which most of the work would be otherwise. */
  readonly halos: number;
}

/** 768 x 512 and 192 x 192 of a picture. */
const usual: WindowSizes = { whole: 3 * 2 ** 17, own: 192 * 192, halos: 3 };

/**
 * The windows of a signal; undefined where it is fitted whole: it is not large, or it has no windows, since a level is one cell of the whole
 * signal, cells are not of whole samples, or features depend on the extent.
 */
export function fitWindows(
  spec: FieldSpec,
  shape: readonly number[],
  { whole, own, halos }: WindowSizes = usual,
): FitWindow[] | undefined {
  const { levels, features } = spec;
  // A window of a part of a circle would be no circle.
  if (isCircle(spec, shape, 0)) return undefined;
  const isLocal = levels.length > 0 && levels.every(({ cell }) => cell !== null) && !features.global;
  if (pointCount(shape) <= whole || !isLocal) return undefined;
  const sizes = [...levels.flatMap(({ cell }) => cell ?? []), ...(features.period ?? [])];
  if (!sizes.every(Number.isInteger)) return undefined;
  const axes = axesOf(spec, shape).map((axis, a) => ({
    ...axis,
    least: isCircle(spec, shape, a) ? axis.extent : halos * axis.halo,
  }));
  const sides = sidesOf(axes, own);
  let windows: FitWindow[] = [{ box: { start: [], count: [] }, own: { start: [], count: [] } }];
  axes.forEach(({ extent, unit, halo }, a) => {
    const parts = Math.ceil(extent / sides[a]!);
    const side = Math.ceil(extent / parts / unit) * unit;
    const starts = Array.from({ length: Math.ceil(extent / side) }, (_, i) => i * side);
    windows = windows.flatMap((window) =>
      starts.map((from) => {
        const to = Math.min(extent, from + side);
        const start = Math.max(0, from - halo);
        return {
          box: extended(window.box, start, Math.min(extent, to + halo)),
          own: extended(window.own, from, to),
        };
      }),
    );
  });
  return windows.length > 1 ? windows : undefined;
}

/** Where the numbers of a window's own cells stand, in the modulations of a signal of `shape` and of the window. */
export function ownRuns(
  spec: FieldSpec,
  shape: readonly number[],
  { box, own }: FitWindow,
): Generator<PartRun> {
  return runsOfPart(spec, shape, box, own);
}

/** What whole rows of a signal of `shape`, `from` to `to` of its first axis, are read from: them, and the rows of cells around them. */
export function boxOfRows(spec: FieldSpec, shape: readonly number[], from: number, to: number): Box {
  const { extent, unit, halo } = axesOf(spec, shape)[0]!;
  const start = Math.max(0, Math.floor((from - halo) / unit) * unit);
  const end = Math.min(extent, Math.ceil((to + halo) / unit) * unit);
  return { start: shape.map((_, axis) => (axis === 0 ? start : 0)), count: [end - start, ...shape.slice(1)] };
}

/** Of a network whose cells are of whole samples. */
function axesOf({ levels, features: { period } }: FieldSpec, shape: readonly number[]) {
  const cells = levels.flatMap((level) =>
    level.cell === null ? [] : [{ taps: tapCount(level), cell: level.cell }],
  );
  return shape.map((extent, axis) => {
    const sizes = [...cells.map(({ cell }) => cell[axis]!), ...(period ? [period[axis]!] : [])];
    const unit = sizes.reduce(leastCommonMultiple);
    // A cell reaches the samples, and a sample reads the cells, whose centres are nearer than half as many cells as there are taps.
    const reach = Math.max(...cells.map(({ taps, cell }) => ((taps - 1) * cell[axis]!) / 2));
    return { extent, unit, halo: Math.ceil((2 * reach) / unit) * unit };
  });
}

interface Axis {
  readonly extent: number;
  readonly unit: number;
  /** Samples of a window's own. */
  readonly least: number;
}

/** Most samples of a window's own along each axis: alike on all, but for axes that are shorter. */
function sidesOf(axes: readonly Axis[], most: number): number[] {
  const sides: number[] = [];
  // An axis that is taken whole comes first.
  const rank = ({ extent, least }: Axis) => (least >= extent ? 0 : extent);
  const order = axes.map((_, a) => a).sort((a, b) => rank(axes[a]!) - rank(axes[b]!));
  let left = most;
  order.forEach((a, i) => {
    const { extent, unit, least } = axes[a]!;
    const wanted = Math.max(left ** (1 / (axes.length - i)), least);
    const side = Math.max(1, Math.floor(wanted / unit)) * unit;
    sides[a] = Math.min(Math.ceil(extent / unit) * unit, side);
    left = Math.max(1, left / Math.min(extent, side));
  });
  return sides;
}

function extended({ start, count }: Box, from: number, to: number): Box {
  return { start: [...start, from], count: [...count, to - from] };
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return (a / divisor) * b;
}
