/**
 * Longer adaptation: from where the learnt inner steps ended to a minimum of
 *   J(phi) = 1/2 sum of weighted squared errors + weight * nats(phi)
 * by limited-memory BFGS (Nocedal and Wright, "Numerical Optimization", algorithm 7.4) for every signal of a batch at
 * once, one gradient of the whole batch a turn. The learnt rates, damped by the curvature of the rate, are the first
 * guess of the inverse Hessian. A turn that does not lower J of a signal is taken back and tried shorter, so that J
 * never rises, however long it goes on.
 *
 * Indices of hot loops are below count * m.
 */
import { BadInputError } from '../core/errors.ts';
import { look, stoppable } from '../core/look.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { forEachLevel, type ModulationLayout, modulationLayout, ofEachNumber } from '../field/layout.ts';
import { type BaseNetwork, totalChannels } from '../field/spec.ts';
import { LogisticRate, tailsOf } from './rate.ts';

/** What bits cost, in units of the inner loss. */
export interface RateTerm {
  /** Inner loss that one nat is worth. */
  readonly weight: number;
  /** Quantiser step and scale of the logistic of every channel, [channels], as they will be used. */
  readonly steps: ArrayLike<number>;
  readonly scales: ArrayLike<number>;
}

export interface RefineOptions extends CallOptions {
  /** Turns: gradients of the batch that are computed. */
  readonly turns: number;
  readonly rate?: RateTerm | undefined;
}

export interface Refined {
  /** [count, m]. */
  readonly modulations: Float32Array;
  /** [count]: half the weighted sum of squared errors at `modulations`. */
  readonly losses: Float64Array;
  /** [count]: J at `modulations`; never above J at the start. */
  readonly objectives: Float64Array;
}

/** Pairs of steps and gradient changes that are remembered. */
const MEMORY = 6;

/** Refines `start` [count, m], which it does not change. Throws BadInputError `turns`. */
export async function refineBatch(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  start: Float32Array,
  { turns, rate, signal }: RefineOptions,
): Promise<Refined> {
  if (!Number.isInteger(turns) || turns < 1) {
    throw new BadInputError('turns', `turns is a whole number of at least 1, not ${turns}`);
  }
  const layout = modulationLayout(net.spec, batch.shape);
  const m = layout.length;
  const cost = rate && new RateCost(layout, rate);
  const inverse = ofEachNumber(layout, inverseByChannel(layout, net, rate));
  const paths = Array.from({ length: batch.count }, () => new Path(inverse));
  const trial = start.slice();
  for (let turn = 0; turn < turns; turn++) {
    const { losses, gradient } = await engine.gradient(net, batch, trial, { signal });
    stoppable(signal, () =>
      paths.forEach((path, s) => {
        const at = trial.subarray(s * m, (s + 1) * m);
        const slope = gradient.subarray(s * m, (s + 1) * m);
        const objective = losses[s]! + (cost?.add(at, slope) ?? 0);
        path.advance(at, losses[s]!, objective, slope);
        if (turn + 1 < turns) path.propose(at);
      }),
    );
  }
  const modulations = new Float32Array(start.length);
  for (const [s, path] of paths.entries()) modulations.set(path.best, s * m);
  return {
    modulations,
    losses: Float64Array.from(paths, (path) => path.loss),
    objectives: Float64Array.from(paths, (path) => path.objective),
  };
}

/**
 * One step of that search, whether it helps or not: for starts that are near to where they lead. The gradient of the error at the start is the same whatever
 * bits cost, so that one serves steps of many rates.
 */
export class FirstStep {
  readonly #net: BaseNetwork;
  readonly #layout: ModulationLayout;
  /** [count, m]. */
  readonly #start: Float32Array;
  readonly #gradient: Float32Array;
  #tails: { readonly scales: ArrayLike<number>; readonly values: Float64Array } | undefined;

  /** `start` [count, m], and the engine's gradient there. */
  constructor(net: BaseNetwork, layout: ModulationLayout, start: Float32Array, gradient: Float32Array) {
    this.#net = net;
    this.#layout = layout;
    this.#start = start;
    this.#gradient = gradient;
  }

  /** That of one signal of these. */
  of(signal: number): FirstStep {
    const { length: m } = this.#layout;
    const own = (all: Float32Array) => all.subarray(signal * m, (signal + 1) * m);
    return new FirstStep(this.#net, this.#layout, own(this.#start), own(this.#gradient));
  }

  /** [count, m]: where it leads. */
  at(rate: RateTerm | undefined): Float32Array {
    const [layout, start] = [this.#layout, this.#start];
    const inverse = inverseByChannel(layout, this.#net, rate);
    const slope = this.#gradient.slice();
    if (rate !== undefined) {
      const { steps, scales, weight } = rate;
      if (this.#tails?.scales !== scales) this.#tails = { scales, values: tailsOf(layout, start, scales) };
      const [logSteps, logScales] = [Float64Array.from(steps, Math.log), Float64Array.from(scales, Math.log)];
      const term = { logSteps, logScales, weight };
      new LogisticRate(layout).addSlopes(start, this.#tails.values, term, slope);
    }
    const found = new Float32Array(start.length);
    forEachLevel(layout, start, (from, to, { channels, first }) => {
      for (let i = from, c = 0; i < to; i++) {
        found[i] = start[i]! - inverse[first + c]! * slope[i]!;
        if (++c === channels) c = 0;
      }
    });
    return found;
  }
}

/** The search of one signal. */
class Path {
  readonly best: Float32Array;
  loss = Number.POSITIVE_INFINITY;
  objective = Number.POSITIVE_INFINITY;
  readonly #inverse: Float64Array;
  readonly #gradient: Float64Array;
  readonly #direction: Float64Array;
  #pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  #length = 1;
  #slope = 0;

  constructor(inverse: Float64Array) {
    this.best = new Float32Array(inverse.length);
    this.#inverse = inverse;
    this.#gradient = new Float64Array(inverse.length);
    this.#direction = new Float64Array(inverse.length);
  }

  /** Takes the point that was tried if it is better than the best one, else shortens the step. */
  advance(at: Float32Array, loss: number, objective: number, gradient: Float32Array): void {
    look();
    if (objective < this.objective) {
      if (this.objective < Number.POSITIVE_INFINITY) this.#remember(at, gradient);
      this.best.set(at);
      this.#gradient.set(gradient);
      this.loss = loss;
      this.objective = objective;
      this.#aim();
      return;
    }
    // The parabola through both values and the slope has its minimum here; it is trusted within bounds.
    const rise = objective - this.objective - this.#slope * this.#length;
    const share = rise > 0 ? (-0.5 * this.#slope * this.#length) / rise : 0;
    this.#length *= Number.isFinite(share) ? Math.min(0.5, Math.max(0.1, share)) : 0.1;
    if (this.#length < 1e-3 && this.#pairs.length > 0) {
      this.#pairs = [];
      this.#aim();
    }
  }

  /** Writes the next point to try. */
  propose(into: Float32Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.best[i]! + this.#length * this.#direction[i]!;
  }

  #remember(at: Float32Array, gradient: Float32Array): void {
    const reused = this.#pairs.length === MEMORY ? this.#pairs.shift() : undefined;
    const s = reused?.s ?? new Float64Array(at.length);
    const y = reused?.y ?? new Float64Array(at.length);
    let sy = 0;
    let yy = 0;
    for (let i = 0; i < at.length; i++) {
      s[i] = at[i]! - this.best[i]!;
      y[i] = gradient[i]! - this.#gradient[i]!;
      sy += s[i]! * y[i]!;
      yy += y[i]! * y[i]! * this.#inverse[i]!;
    }
    // Only where curvature is positive is the pair part of an inverse Hessian.
    if (sy > 1e-8 * yy) this.#pairs.push({ s, y, rho: 1 / sy });
  }

  /** The direction from the best point: minus the inverse Hessian times its gradient, by the two-loop recursion. */
  #aim(): void {
    const direction = this.#direction;
    const inverse = this.#inverse;
    const pairs = this.#pairs;
    for (let i = 0; i < direction.length; i++) direction[i] = -this.#gradient[i]!;
    const alphas: number[] = [];
    for (let k = pairs.length - 1; k >= 0; k--) {
      look();
      const { s, y, rho } = pairs[k]!;
      alphas[k] = rho * dot(s, direction);
      addScaled(direction, y, -alphas[k]!);
    }
    const last = pairs.at(-1);
    const scale = last === undefined ? 1 : 1 / (last.rho * weightedSquare(last.y, inverse));
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale * inverse[i]!;
    for (let k = 0; k < pairs.length; k++) {
      look();
      const { s, y, rho } = pairs[k]!;
      addScaled(direction, s, alphas[k]! - rho * dot(y, direction));
    }
    this.#length = 1;
    this.#slope = dot(this.#gradient, direction);
  }
}

class RateCost {
  readonly #measure: LogisticRate;
  readonly #logSteps: Float64Array;
  readonly #logScales: Float64Array;
  readonly #weight: number;
  readonly #slope: Float32Array;
  readonly #unused: Float64Array;

  constructor(layout: ModulationLayout, { weight, steps, scales }: RateTerm) {
    this.#measure = new LogisticRate(layout);
    this.#logSteps = Float64Array.from(steps, Math.log);
    this.#logScales = Float64Array.from(scales, Math.log);
    this.#weight = weight;
    this.#slope = new Float32Array(layout.length);
    this.#unused = new Float64Array(layout.channels);
  }

  /** The cost of one modulation [m]; its gradient is added to `slope` [m]. */
  add(modulation: Float32Array, slope: Float32Array): number {
    const gradient = {
      modulations: this.#slope,
      logScales: this.#unused,
      logSteps: this.#unused,
      weight: this.#weight,
    };
    const nats = this.#measure.measure(modulation, this.#logSteps, this.#logScales, 1, gradient);
    for (let i = 0; i < slope.length; i++) slope[i]! += this.#slope[i]!;
    return this.#weight * nats;
  }
}

/** [channels]: 1 / (1 / rate + curvature of the rate term); a logistic's nats bend by about 1 / (s (2 s + d)). */
function inverseByChannel(
  { channels }: ModulationLayout,
  net: BaseNetwork,
  rate: RateTerm | undefined,
): Float64Array {
  return Float64Array.from({ length: channels }, (_, c) => {
    const r = boldest(net, c);
    const s = rate?.scales[c] ?? 1;
    const bend = rate ? rate.weight / (s * (2 * s + rate.steps[c]!)) : 0;
    return 1 / (1 / r + bend);
  });
}

/** Of a channel, over the steps that rates were learnt for. */
function boldest({ rates, spec }: BaseNetwork, channel: number): number {
  let most = 0;
  for (let i = channel; i < rates.length; i += totalChannels(spec)) most = Math.max(most, rates[i]!);
  return most;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function weightedSquare(a: Float64Array, weights: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * a[i]! * weights[i]!;
  return sum;
}

function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * from[i]!;
}
