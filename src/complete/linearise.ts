/**
 * A field at given points, and how it answers to its modulation: f(phi + v) = f(phi) + J v + ...
 *
 * A point sees the modulation only through u, its interpolated channels, and interpolation weights sum to 1: a channel
 * that is raised in every cell is raised by as much at every point. Hence one more evaluation for each channel gives
 * df/du at all points, by differences, and J = df/du * interpolation, which is sparse.
 *
 * Indices of hot loops are below points * channels and points * taps.
 */
import type { CallOptions, Engine } from '../engine/engine.ts';
import { levelStencil } from '../field/coordinates.ts';
import { type BaseNetwork, gridCells, pointCount, totalChannels, weightLayout } from '../field/spec.ts';
import { channelLayout, channelOfSymbol } from '../learn/layout.ts';

/** Which cells make up the channels at every point. */
export interface Stencils {
  readonly points: number;
  /** Taps of a point in each level. */
  readonly levels: readonly {
    readonly channels: number;
    readonly first: number;
    readonly taps: number;
    /** [points, taps]: index in the modulation of the tap's first channel. */
    readonly from: Int32Array;
    /** [points, taps]. */
    readonly weights: Float64Array;
  }[];
}

/** `coordinates` [points, axes]. */
export function stencilsOf(net: BaseNetwork, shape: readonly number[], coordinates: Float32Array): Stencils {
  const { axes } = net.spec;
  const points = coordinates.length / axes;
  let start = 0;
  let first = 0;
  const levels = net.spec.levels.map((level) => {
    const stencils = Array.from({ length: points }, (_, p) =>
      levelStencil(level, shape, coordinates.subarray(p * axes, (p + 1) * axes)),
    );
    const taps = stencils[0]?.length ?? 0;
    const here = {
      channels: level.channels,
      first,
      taps,
      from: Int32Array.from(stencils.flat(), ({ cell }) => start + cell * level.channels),
      weights: Float64Array.from(stencils.flat(), ({ weight }) => weight),
    };
    start += pointCount(gridCells(level, shape)) * level.channels;
    first += level.channels;
    return here;
  });
  return { points, levels };
}

export class Linearised {
  /** f(phi), [points, outputs]. */
  readonly values: Float32Array;
  readonly outputs: number;
  readonly #stencils: Stencils;
  readonly #channels: number;
  /** [points, outputs, channels]. */
  readonly #slopes: Float32Array;
  readonly #u: Float64Array;

  constructor(stencils: Stencils, values: Float32Array, slopes: Float32Array) {
    this.#stencils = stencils;
    this.values = values;
    this.#slopes = slopes;
    this.outputs = values.length / stencils.points;
    this.#channels = slopes.length / values.length;
    this.#u = new Float64Array(this.#channels);
  }

  /** Into `out` [points, outputs]: J v, for v [m]. */
  apply(v: Float64Array, out: Float64Array): void {
    const u = this.#u;
    for (let p = 0, at = 0; p < this.#stencils.points; p++) {
      u.fill(0);
      for (const { channels, first, taps, from, weights } of this.#stencils.levels) {
        for (let t = p * taps; t < (p + 1) * taps; t++) {
          const [cell, weight] = [from[t]!, weights[t]!];
          for (let c = 0; c < channels; c++) u[first + c]! += weight * v[cell + c]!;
        }
      }
      for (let o = 0; o < this.outputs; o++, at++) {
        let sum = 0;
        for (let c = 0, s = at * this.#channels; c < u.length; c++, s++) sum += this.#slopes[s]! * u[c]!;
        out[at] = sum;
      }
    }
  }

  /** Into `out` [m]: J' r, for r [points, outputs]. */
  pullBack(r: Float64Array, out: Float64Array): void {
    const u = this.#u;
    out.fill(0);
    for (let p = 0, at = 0; p < this.#stencils.points; p++) {
      u.fill(0);
      for (let o = 0; o < this.outputs; o++, at++) {
        const share = r[at]!;
        for (let c = 0, s = at * this.#channels; c < u.length; c++, s++) u[c]! += share * this.#slopes[s]!;
      }
      for (const { channels, first, taps, from, weights } of this.#stencils.levels) {
        for (let t = p * taps; t < (p + 1) * taps; t++) {
          const [cell, weight] = [from[t]!, weights[t]!];
          for (let c = 0; c < channels; c++) out[cell + c]! += weight * u[first + c]!;
        }
      }
    }
  }
}

/** How far a difference moves what any sine is taken of, at most: large for the rounding of floats, small for a sine. */
const reach = 0.005;

/** The field of `modulation` [m] at `coordinates` [points, axes], and its slopes there. */
export async function linearise(
  engine: Engine,
  net: BaseNetwork,
  shape: readonly number[],
  where: { readonly coordinates: Float32Array; readonly stencils: Stencils },
  modulation: Float32Array,
  options: CallOptions = {},
): Promise<Linearised> {
  const layout = channelLayout(net.spec, shape);
  const channelOf = channelOfSymbol(layout);
  const channels = totalChannels(net.spec);
  const points = { kind: 'list', coordinates: where.coordinates } as const;
  const values = await engine.evaluate(net, shape, modulation, points, options);
  const slopes = new Float32Array(values.length * channels);
  for (let c = 0; c < channels; c++) {
    const by = shiftOf(net, c);
    const shifted = modulation.map((value, i) => (channelOf[i] === c ? value + by : value));
    const moved = await engine.evaluate(net, shape, shifted, points, options);
    for (let i = 0; i < moved.length; i++) slopes[i * channels + c] = (moved[i]! - values[i]!) / by;
  }
  return new Linearised(where.stencils, values, slopes);
}

/** A shift of a channel that moves w0 M u by at most `reach` in every unit. */
function shiftOf({ spec, weights }: BaseNetwork, channel: number): number {
  const { m, mColumns } = weightLayout(spec);
  const row = weights.subarray(m + channel * mColumns, m + (channel + 1) * mColumns);
  const most = row.reduce((largest, w) => Math.max(largest, Math.abs(w)), 0);
  return reach / (spec.w0 * Math.max(most, Number.MIN_VALUE));
}
