/** Where the samples of a signal, and those of a grid over it, stand along axes that have coordinates. */
import type { ModelCard } from '../field/card.ts';
import type { Axis } from '../field/outputs.ts';

/**
 * Axes of a signal of a model. An axis around a sphere (it wraps, or its samples count by the cosine) spans as much whatever the number of
 * its samples; on the others samples are as far apart as the card says.
 */
export function axesOf(
  { axes, shape: own }: Pick<ModelCard, 'axes' | 'shape'>,
  shape: readonly number[],
): Axis[] {
  return axes.map((axis, i) =>
    axis.wraps || axis.weight !== undefined ? placed(axis, 0, own[i]! / shape[i]!, shape[i]!, own[i]!) : axis,
  );
}

/** Regular places along an axis in samples of the signal: place j is at `start` + `step` j, and sample i at i + 1/2. */
export interface RegularPlaces {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly count: readonly number[];
}

/** The axes of a grid over a signal of `shape`. */
export function axesOfGrid(axes: readonly Axis[], shape: readonly number[], grid: RegularPlaces): Axis[] {
  return axes.map((axis, i) => {
    const step = grid.step[i]!;
    return placed(axis, grid.start[i]! - step / 2, step, grid.count[i]!, shape[i]!);
  });
}

/** `count` samples, each as long as `stretch` of the axis' own, from the edge `from` of these on; the axis has `size` of them. */
function placed(axis: Axis, from: number, stretch: number, count: number, size: number): Axis {
  const { start, step, at, wraps } = axis;
  const first = from + (stretch - 1) / 2;
  return {
    ...axis,
    ...(at && { at: Array.from({ length: count }, (_, j) => coordinateAt(axis, first + stretch * j)!) }),
    ...(step !== undefined && { step: step * stretch }),
    ...(start !== undefined && { start: coordinateAt(axis, first) }),
    ...(wraps && { wraps: Math.abs(count * stretch - size) < 1e-6 * size }),
  };
}

/** The coordinate at `place`, in samples from the first; of uneven ones on the line through the two next to it. Undefined where the axis has none. */
export function coordinateAt({ start, step, at }: Axis, place: number): number | undefined {
  if (at === undefined) return start === undefined || step === undefined ? undefined : start + step * place;
  const before = Math.min(Math.max(Math.floor(place), 0), Math.max(0, at.length - 2));
  const from = at[before]!;
  return from + (place - before) * ((at[before + 1] ?? from) - from);
}
