/**
 * Ordering qualities: which steps (the quality that a file says) serve the quality that is asked for. Flat areas round all alike, and at
 * some steps they all round badly: those are worse than larger or smaller ones in both bytes and error, at any effort. Signals with flat
 * areas therefore choose their steps, by the Lagrangian at effort 1, from a grid that all qualities share: of one set of candidates
 * neighbouring qualities choose in order. All others take the steps of their quality.
 */
import type { Signal } from '../../datasets/signal.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';

/** Beyond this, steps are finer than what a network is good for: samples say the rest. */
const finest = 85;
/** Qualities beyond those that a network was taught at which it still gains, and that priors extrapolate to. */
const beyondTaught = 15;
const belowTaught = 12;
/** Qualities below and above that are tried. */
const down = 12;
const up = 24;
/** Signals of more points try every sixth quality, others every third. */
const smallPoints = 4096;
/** Neighbours that are equal to 1/255 make a signal flat from this share on. */
const flatShare = 0.12;
const flatDifference = 1.5 / 255;
/** So few points leave nothing to average. */
const fewPoints = 256;

/** Least and greatest quality whose steps are used. */
export function usefulQualities({ slopes }: Model): readonly [least: number, greatest: number] {
  if (slopes === undefined) return [1, finest];
  const [lowest, highest] = slopes.qualities;
  return [Math.max(1, Math.ceil(lowest) - belowTaught), Math.min(finest, Math.floor(highest) + beyondTaught)];
}

/** Whether a signal has flat areas, or is small: its neighbours along the last axis are alike. */
export function isFlat({ values, channels, shape }: Signal): boolean {
  const points = pointCount(shape);
  if (points <= fewPoints) return true;
  let alike = 0;
  for (let p = 1; p < points; p++) {
    let same = 1;
    for (let c = 0, i = p * channels; c < channels; c++, i++)
      if (Math.abs(values[i]! - values[i - channels]!) > flatDifference) same = 0;
    alike += same;
  }
  return alike > flatShare * points;
}

/** Qualities of the grid within reach of this one, the nearest from it upwards first. */
export function stepsNear(quality: number, model: Model, points: number): readonly [number, ...number[]] {
  const [least, greatest] = usefulQualities(model);
  const stride = points <= smallPoints ? 3 : 6;
  const first = greatest - stride * Math.floor((greatest - quality) / stride);
  const found: [number, ...number[]] = [first];
  for (let q = greatest; q >= least; q -= stride)
    if (q !== first && q >= quality - down && q <= quality + up) found.push(q);
  return found;
}
