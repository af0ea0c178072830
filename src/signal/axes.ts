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
  const { start, step, wraps, ...rest } = axis;
  const whole = Math.abs(count * stretch - size) < 1e-6 * size;
  return {
    ...rest,
    ...(step === undefined ? {} : { step: step * stretch }),
    ...(step === undefined || start === undefined
      ? {}
      : { start: start + step * (from + (stretch - 1) / 2) }),
    ...(wraps === undefined ? {} : { wraps: wraps && whole }),
  };
}
