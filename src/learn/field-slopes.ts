/**
 * How a field answers to the channels of its modulation, at any points: df/du.
 *
 * A point sees the modulation only through u, its interpolated channels, and interpolation weights sum to 1: a channel
 * that is raised in every cell is raised by as much at every point. Hence one more evaluation for each channel gives
 * df/du at all points, by differences.
 */
import type { CallOptions, Engine, Modulations, Points } from '../engine/engine.ts';
import { type BaseNetwork, totalChannels, weightLayout } from '../field/spec.ts';
import { channelLayout } from './layout.ts';

/** How far a difference moves what any sine is taken of, at most: large for the rounding of floats, small for a sine. */
const reach = 0.005;

export interface SlopeOptions extends CallOptions {
  /** Default: all. */
  readonly channels?: readonly number[] | undefined;
}

/** df/du_c for every channel c asked for: [channels][count, points, outputs]; `values` [count, points, outputs] are the field there. */
export async function fieldSlopes(
  engine: Engine,
  net: BaseNetwork,
  signals: Modulations,
  points: Points,
  values: Float32Array,
  { channels: asked = [...Array(totalChannels(net.spec)).keys()], ...options }: SlopeOptions = {},
): Promise<Float32Array[]> {
  const { shape, count, modulations } = signals;
  const layout = channelLayout(net.spec, shape);
  const moved = modulations.slice();
  const slopes: Float32Array[] = [];
  for (const c of asked) {
    const { at, cells, channels, first } = layout.levels.findLast((level) => level.first <= c)!;
    const by = shiftOf(net, c);
    const places = function* () {
      for (let s = 0; s < count; s++) {
        const start = s * layout.length + at + c - first;
        for (let cell = 0; cell < cells; cell++) yield start + cell * channels;
      }
    };
    for (const i of places()) moved[i]! += by;
    const there = await engine.evaluateMany(net, { shape, count, modulations: moved }, points, options);
    for (const i of places()) moved[i] = modulations[i]!;
    for (let i = 0; i < there.length; i++) there[i] = (there[i]! - values[i]!) / by;
    slopes.push(there);
  }
  return slopes;
}

/** A shift of a channel that moves w0 M u by at most `reach` in every unit. */
function shiftOf({ spec, weights }: BaseNetwork, channel: number): number {
  const { m, mColumns } = weightLayout(spec);
  const row = weights.subarray(m + channel * mColumns, m + (channel + 1) * mColumns);
  const most = row.reduce((largest, w) => Math.max(largest, Math.abs(w)), 0);
  return reach / (spec.w0 * Math.max(most, Number.MIN_VALUE));
}
