/**
 * A field at given points, and how it answers to its modulation: f(phi + v) = f(phi) + J v + ...
 *
 * A point sees the modulation only through u, its interpolated channels: J = df/du * interpolation, which is sparse.
 *
 * Indices of hot loops are below points * channels and points * taps.
 */
import type { CallOptions, Engine } from '../engine/engine.ts';
import { rowsOf } from '../field/channels.ts';
import { modulationLayout } from '../field/layout.ts';
import { type BaseNetwork, totalChannels } from '../field/spec.ts';
import { channelTaps } from '../field/taps.ts';

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
  const taps = Array.from({ length: points }, (_, p) =>
    channelTaps(net.spec, shape, coordinates.subarray(p * axes, (p + 1) * axes)),
  );
  const levels = modulationLayout(net.spec, shape).levels.map(({ channels, first }) => {
    const own = taps.map((all) => all.filter(({ to }) => to === first));
    return {
      ...{ channels, first, taps: own[0]?.length ?? 0 },
      from: Int32Array.from(own.flat(), ({ from }) => from),
      weights: Float64Array.from(own.flat(), ({ weight }) => weight),
    };
  });
  return { points, levels };
}

export class Linearised {
  /** f(phi), [points, outputs]. */
  readonly values: Float32Array;
  readonly outputs: number;
  readonly #stencils: Stencils;
  /** [channels][points, outputs]. */
  readonly #slopes: readonly Float32Array[];
  readonly #u: Float64Array;

  constructor(stencils: Stencils, values: Float32Array, slopes: readonly Float32Array[]) {
    this.#stencils = stencils;
    this.values = values;
    this.#slopes = slopes;
    this.outputs = values.length / stencils.points;
    this.#u = new Float64Array(slopes.length);
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
        for (let c = 0; c < u.length; c++) sum += this.#slopes[c]![at]! * u[c]!;
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
        for (let c = 0; c < u.length; c++) u[c]! += share * this.#slopes[c]![at]!;
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

/** The field of `modulation` [m] at `coordinates` [points, axes], and its slopes there. */
export async function linearise(
  engine: Engine,
  net: BaseNetwork,
  shape: readonly number[],
  where: { readonly coordinates: Float32Array; readonly stencils: Stencils },
  modulation: Float32Array,
  options: CallOptions = {},
): Promise<Linearised> {
  const points = { kind: 'list', coordinates: where.coordinates } as const;
  const signals = { shape, count: 1, modulations: modulation };
  const values = await engine.evaluateMany(net, signals, points, options);
  const slopes = await engine.slopes(net, signals, points, options);
  return new Linearised(where.stencils, values, rowsOf(slopes, totalChannels(net.spec)));
}
