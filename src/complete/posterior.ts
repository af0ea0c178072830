/**
 * Modulations given observations, under a prior phi = mean + F x with x ~ N(0, I): the maximum of
 *
 *   -1/2 |y - A f(phi)|^2 / s^2  -  1/2 |x|^2,       A: means over the places of an observed value
 *
 * by Gauss and Newton's method with halved steps; the linear systems (I + G'G / s^2) x = b, G = A J F, by conjugate
 * gradients. There the posterior is taken as that of the linearised field (Laplace), which is normal: the maximum for
 * perturbed values and a perturbed prior is a draw from it (Papandreou and Yuille, "Gaussian sampling by local
 * perturbations", 2010).
 *
 * Indices of hot loops are below the lengths of their arrays.
 */
import { AbortedError } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { type Linearised, linearise, type Stencils, stencilsOf } from './linearise.ts';

/** A normal distribution of modulations, by a factor of its covariance. */
export interface Normal {
  /** [m]. */
  readonly mean: Float32Array;
  /** Numbers in x. */
  readonly length: number;
  /** Into `out` [m]: F x. */
  spread(x: Float64Array, out: Float64Array): void;
  /** Into `out` [length]: F' v. */
  gather(v: Float64Array, out: Float64Array): void;
}

/** What is known of a field, in its own units. */
export interface Evidence {
  readonly shape: readonly number[];
  /** [count * group, axes]. */
  readonly coordinates: Float32Array;
  readonly group: number;
  /** Of the coordinates, where they are taken more than once (`stencilsOf`). */
  readonly stencils?: Stencils | undefined;
  /** [count, outputs]. */
  readonly values: Float64Array;
  /** s^2 of one value. */
  readonly noise: number;
}

export interface PosteriorOptions {
  /** Linearisations at most. */
  readonly turns: number;
  /** Conjugate gradients of a draw at most; default 200. */
  readonly drawTurns?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Posterior {
  /** The one of highest density, [m]. */
  readonly modulation: Float32Array;
  /**
   * |y - A f|^2 / s^2 + |x|^2 at the maximum. In a linear field that is the squared Mahalanobis distance of what was observed from
   * what the prior expects there: over the values it is about 1 of what comes from the prior (chi squared).
   */
  readonly square: number;
  /** A modulation drawn from the posterior, [m]. */
  draw(rng: Rng): Promise<Float32Array>;
}

const mostHalvings = 4;
/** A turn that gains less than this share of the objective ends the search. */
const leastGain = 1e-2;
/** Conjugate gradients: turns at most, and the share of the right side at which they end, on the way and for a draw. */
const mostTurns = 200;
/** After so many of them timers, requests and other jobs get their turn. */
const turnsAtOnce = 8;
const roughly = 1e-2;
const closely = 1e-3;

export async function findPosterior(
  engine: Engine,
  net: BaseNetwork,
  prior: Normal,
  evidence: Evidence,
  { turns, drawTurns = mostTurns, signal }: PosteriorOptions,
): Promise<Posterior> {
  const { shape, coordinates, group, values, noise } = evidence;
  const where = { coordinates, stencils: evidence.stencils ?? stencilsOf(net, shape, coordinates) };
  const residualOf = (field: Float32Array) => subtract(values, groupMeans(field, group, net.spec.outputs));
  const objectiveOf = (residual: Float64Array, at: Float64Array) =>
    0.5 * (dot(residual, residual) / noise + dot(at, at));
  let x: Float64Array = new Float64Array(prior.length);
  let field = await linearise(engine, net, shape, where, modulationAt(prior, x), { signal });
  let residual = residualOf(field.values);
  let objective = objectiveOf(residual, x);
  for (let turn = 1; turn < turns; turn++) {
    if (signal?.aborted) throw new AbortedError();
    const system = new System(field, prior, group, noise, signal);
    const target = await system.solve(system.pullBack(add(residual, system.apply(x))), x, { share: roughly });
    let length = 1;
    let found: { x: Float64Array; objective: number } | undefined;
    for (let halving = 0; halving <= mostHalvings && found === undefined; halving++, length /= 2) {
      const trial = x.map((v, i) => v + length * (target[i]! - v));
      const points = { kind: 'list', coordinates } as const;
      const reached = await engine.evaluate(net, shape, modulationAt(prior, trial), points, { signal });
      const value = objectiveOf(residualOf(reached), trial);
      if (value < objective) found = { x: trial, objective: value };
    }
    if (found === undefined) break;
    const gain = objective - found.objective;
    x = found.x;
    objective = found.objective;
    field = await linearise(engine, net, shape, where, modulationAt(prior, x), { signal });
    residual = residualOf(field.values);
    if (gain < leastGain * objective) break;
  }
  const system = new System(field, prior, group, noise, signal);
  return {
    modulation: modulationAt(prior, x),
    square: 2 * objective,
    async draw(rng) {
      const deviation = Math.sqrt(noise);
      const perturbed = add(residual, system.apply(x)).map((r) => r + deviation * rng.normal());
      const fresh = Float64Array.from(x, () => rng.normal());
      const b = add(system.pullBack(perturbed), fresh);
      // From the prior's own noise on, all that is left to find is what was observed: the rest is right from the start.
      return modulationAt(prior, await system.solve(b, fresh, { share: closely, most: drawTurns }));
    },
  };
}

/** The linearised problem: G = A J F and its transpose over s^2. */
class System {
  readonly #field: Linearised;
  readonly #prior: Normal;
  readonly #group: number;
  readonly #noise: number;
  readonly #phi: Float64Array;
  readonly #signal: AbortSignal | undefined;

  constructor(
    field: Linearised,
    prior: Normal,
    group: number,
    noise: number,
    signal: AbortSignal | undefined,
  ) {
    this.#signal = signal;
    this.#field = field;
    this.#prior = prior;
    this.#group = group;
    this.#noise = noise;
    this.#phi = new Float64Array(prior.mean.length);
  }

  /** G x, [count, outputs]. */
  apply(x: Float64Array): Float64Array {
    const { values, outputs } = this.#field;
    const all = new Float64Array(values.length);
    this.#prior.spread(x, this.#phi);
    this.#field.apply(this.#phi, all);
    return groupMeans(all, this.#group, outputs);
  }

  /** G' r / s^2, [length]. */
  pullBack(r: Float64Array): Float64Array {
    const { outputs } = this.#field;
    const group = this.#group;
    const share = 1 / (group * this.#noise);
    const all = new Float64Array(r.length * group);
    for (let i = 0; i < all.length; i++) {
      const value = Math.floor(i / (group * outputs)) * outputs + (i % outputs);
      all[i] = share * r[value]!;
    }
    const x = new Float64Array(this.#prior.length);
    this.#field.pullBack(all, this.#phi);
    this.#prior.gather(this.#phi, x);
    return x;
  }

  /** The solution of (I + G'G / s^2) x = b, from `start` on (Hestenes and Stiefel 1952). */
  async solve(
    b: Float64Array,
    start: Float64Array,
    { share, most = mostTurns }: { readonly share: number; readonly most?: number },
  ): Promise<Float64Array> {
    const times = (x: Float64Array) => add(this.pullBack(this.apply(x)), x);
    const x = start.slice();
    const r = subtract(b, times(x));
    let p = r.slice();
    let square = dot(r, r);
    const enough = share * share * dot(b, b);
    for (let turn = 0; turn < most && square > enough; turn++) {
      const mapped = times(p);
      const step = square / dot(p, mapped);
      for (let i = 0; i < x.length; i++) {
        x[i]! += step * p[i]!;
        r[i]! -= step * mapped[i]!;
      }
      const next = dot(r, r);
      const kept = next / square;
      p = r.map((v, i) => v + kept * p[i]!);
      square = next;
      if (turn % turnsAtOnce !== turnsAtOnce - 1) continue;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#signal?.aborted) throw new AbortedError();
    }
    return x;
  }
}

function modulationAt(prior: Normal, x: Float64Array): Float32Array {
  const away = new Float64Array(prior.mean.length);
  prior.spread(x, away);
  return prior.mean.map((value, i) => value + away[i]!);
}

/** Means over `group` consecutive points of [points, outputs]. */
export function groupMeans(
  values: Float32Array | Float64Array,
  group: number,
  outputs: number,
): Float64Array {
  const means = new Float64Array(values.length / group);
  for (let i = 0; i < values.length; i++) {
    means[Math.floor(i / (group * outputs)) * outputs + (i % outputs)]! += values[i]! / group;
  }
  return means;
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((v, i) => v + b[i]!);
}

function subtract(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((v, i) => v - b[i]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
