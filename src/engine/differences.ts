/**
 * `slopes` of an engine by central differences: interpolation weights sum to 1, so a channel that is raised in every cell is raised
 * by as much at every point. Hence two evaluations for each channel give df/du at all points.
 */
import { channelOfEach, modulationLayout } from '../field/layout.ts';
import { type BaseNetwork, weightLayout } from '../field/spec.ts';
import type { Engine } from './engine.ts';

/** How far a difference moves what any sine is taken of, at most: large for the rounding of floats, small for a sine. */
const reach = 0.005;

export function slopesByDifferences(evaluateMany: Engine['evaluateMany']): Engine['slopes'] {
  return async (net, signals, points, options) => {
    const { shape, count, modulations } = signals;
    const layout = modulationLayout(net.spec, shape);
    const channelOf = channelOfEach(layout);
    const slopes: Float32Array[] = [];
    for (let c = 0; c < layout.channels; c++) {
      const by = shiftOf(net, c);
      const valuesAt = (shift: number) => {
        const moved = modulations.map((x, i) => (channelOf[i % layout.length] === c ? x + shift : x));
        return evaluateMany(net, { shape, count, modulations: moved }, points, options);
      };
      const [above, below] = [await valuesAt(by), await valuesAt(-by)];
      slopes.push(above.map((value, i) => (value - below[i]!) / (2 * by)));
    }
    const size = (slopes[0]?.length ?? 0) / count;
    const all = new Float32Array(slopes.length * count * size);
    for (let s = 0; s < count; s++)
      slopes.forEach((own, c) => {
        all.set(own.subarray(s * size, (s + 1) * size), (s * slopes.length + c) * size);
      });
    return all;
  };
}

/** A shift of a channel that moves w0 M u by at most `reach` in every unit. */
function shiftOf({ spec, weights }: BaseNetwork, channel: number): number {
  const { m, mColumns } = weightLayout(spec);
  const row = weights.subarray(m + channel * mColumns, m + (channel + 1) * mColumns);
  const most = row.reduce((largest, w) => Math.max(largest, Math.abs(w)), 0);
  return reach / (spec.w0 * Math.max(most, Number.MIN_VALUE));
}
