/** How much each point of a signal counts: in its fit, in what bits are weighed against, and in its errors. */
import type { ModelCard } from '../field/card.ts';
import type { Axis } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { coordinateAt } from './axes.ts';
import type { Signal } from './signal.ts';

/**
 * [points]: the signal's own weights, else those of its axes (or the card's, laid over the signal's samples where it has others), about 1
 * on average; undefined where all points count alike.
 */
export function weightsOf(
  card: Pick<ModelCard, 'axes' | 'shape'>,
  { shape, weights, axes = card.axes }: Pick<Signal, 'shape' | 'weights' | 'axes'>,
): Float32Array | undefined {
  if (weights !== undefined) return weights;
  if (axes.length !== shape.length || axes.every(({ weight }) => weight === undefined)) return undefined;
  const own = axes.map((axis, i) =>
    alongAxis(axis, shape[i]!, axes === card.axes ? card.shape[i]! : shape[i]!),
  );
  const all = new Float32Array(pointCount(shape)).fill(1);
  let inner = all.length;
  for (const [axis, along] of own.entries()) {
    inner /= shape[axis]!;
    if (along === undefined) continue;
    for (let p = 0; p < all.length; p++) all[p]! *= along[Math.floor(p / inner) % along.length]!;
  }
  return all;
}

/** Weights of `size` samples that lie where `samples` of the axis do, 1 on average. */
function alongAxis(axis: Axis, size: number, samples: number): Float64Array | undefined {
  if (axis.weight === undefined || coordinateAt(axis, 0) === undefined) return undefined;
  const stretch = samples / size;
  const along = Float64Array.from({ length: size }, (_, i) => {
    const degrees = coordinateAt(axis, (i + 0.5) * stretch - 0.5)!;
    return Math.max(0, Math.cos((degrees * Math.PI) / 180));
  });
  const mean = along.reduce((sum, w) => sum + w, 0) / size;
  return mean > 0 ? along.map((w) => w / mean) : undefined;
}
