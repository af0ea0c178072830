/**
 * Inner loop and exact meta-gradient of one signal in float64 (CAVIA, arXiv 1810.03642; Meta-SGD, arXiv 1707.09835).
 *
 * Steps are phi_{k+1} = phi_k - r * g(theta, phi_k), g = dL/dphi. For an outer loss D(theta, phi_K + offset) + E(phi_K),
 * reverse mode over the steps with v = dOuter/dphi_k and d = r * v:
 *
 *   dtheta -= d/de [dL/dtheta](theta, phi_k + e d)      v -= d/de [dL/dphi](theta, phi_k + e d)      dr -= v * g(theta, phi_k)
 *
 * where the last uses v as it was before the step. Mixed derivatives commute, so one R-operator pass gives both.
 *
 * Everything that walks the points of a signal does so at a pace: it lets the event loop turn, and throws AbortedError when stopped.
 */
import type { Pace } from '../../core/pace.ts';
import { coveringGrid, gridPositions } from '../../field/coordinates.ts';
import {
  backward,
  forward,
  type Gradient64,
  type Network64,
  type Site,
  siteAt,
  tangentBackward,
  tangentForward,
} from '../../field/field64.ts';
import { channelOfEach, modulationLayout } from '../../field/layout.ts';
import { modulationLength, pointCount, ratesAt } from '../../field/spec.ts';

/** One signal: its sites in order, targets [points, outputs], weights [points]. */
export interface Signal64 {
  readonly shape: readonly number[];
  readonly sites: readonly Site[];
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

export interface Outer64 {
  readonly distortionWeight: number;
  /** [m] each. */
  readonly offset: Float64Array;
  readonly extraGradient: Float64Array;
  readonly secondOrder: boolean;
}

/** The sites of the samples of a signal. */
export async function sampleSites(net: Network64, shape: readonly number[], pace: Pace): Promise<Site[]> {
  const positions = gridPositions(coveringGrid(shape));
  const { axes } = net.spec;
  const sites: Site[] = [];
  for (let i = 0; i < pointCount(shape); i++) {
    if (pace.due) await pace.turn();
    sites.push(siteAt(net.spec, shape, positions.subarray(i * axes, (i + 1) * axes)));
  }
  return sites;
}

/** The inner rate of every float of a modulation [m] in a step. */
function expandRates(net: Network64, shape: readonly number[], step: number): Float64Array {
  return Float64Array.from(rateIndex(net, shape, step), (at) => net.rates[at]!);
}

/** Inner loss at phi; adds its gradient to `into` where given. */
export async function innerLoss(
  net: Network64,
  signal: Signal64,
  phi: Float64Array,
  pace: Pace,
  into?: Gradient64,
): Promise<number> {
  let loss = 0;
  for (const [p, site] of signal.sites.entries()) {
    if (pace.due) await pace.turn();
    const weight = signal.weights[p]!;
    if (weight === 0) continue;
    const trace = forward(net, site, phi);
    const error = errorAt(signal, p, trace.f);
    for (const e of error) loss += 0.5 * weight * e * e;
    if (into)
      backward(
        net,
        site,
        trace,
        error.map((e) => weight * e),
        into,
      );
  }
  return loss;
}

/** Adds to `into` the derivative of the inner loss's gradient at phi along `direction`. */
export async function innerCurvature(
  net: Network64,
  signal: Signal64,
  phi: Float64Array,
  direction: Float64Array,
  pace: Pace,
  into: Gradient64,
): Promise<void> {
  for (const [p, site] of signal.sites.entries()) {
    if (pace.due) await pace.turn();
    const weight = signal.weights[p]!;
    if (weight === 0) continue;
    const trace = forward(net, site, phi);
    const tangent = tangentForward(net, site, trace, direction);
    const df = errorAt(signal, p, trace.f).map((e) => weight * e);
    const rdf = tangent.f.map((r) => weight * r);
    tangentBackward(net, site, trace, tangent, df, rdf, into);
  }
}

/** `steps` inner steps from `start`: all modulations, the start first, and the loss before each step. */
export async function adapt64(
  net: Network64,
  signal: Signal64,
  steps: number,
  start: Float64Array,
  pace: Pace,
): Promise<{ trajectory: Float64Array[]; losses: number[] }> {
  const trajectory = [start];
  const losses: number[] = [];
  for (let k = 0; k < steps; k++) {
    const phi = trajectory[k]!;
    const rates = expandRates(net, signal.shape, k);
    const g = emptyGradient(net, phi.length);
    losses.push(await innerLoss(net, signal, phi, pace, g));
    trajectory.push(phi.map((p, i) => p - rates[i]! * g.modulation[i]!));
  }
  return { trajectory, losses };
}

/** Gradient of the outer loss through `trajectory` with respect to weights and rates. `start` counts as constant. */
export async function metaGradient64(
  net: Network64,
  signal: Signal64,
  trajectory: readonly Float64Array[],
  outer: Outer64,
  pace: Pace,
): Promise<{ loss: number; weights: Float64Array; rates: Float64Array; modulation: Float64Array }> {
  const m = modulationLength(net.spec, signal.shape);
  const steps = trajectory.length - 1;
  const final = emptyGradient(net, m);
  const at = trajectory[steps]!.map((p, i) => p + outer.offset[i]!);
  const loss = await innerLoss(net, signal, at, pace, final);
  const weights = final.weights.map((g) => outer.distortionWeight * g);
  const modulation = final.modulation.map((g) => outer.distortionWeight * g);
  const rates = new Float64Array(net.rates.length);
  const v = modulation.map((g, i) => g + outer.extraGradient[i]!);
  for (let k = steps - 1; k >= 0; k--) {
    const phi = trajectory[k]!;
    const index = rateIndex(net, signal.shape, k);
    const g = emptyGradient(net, m);
    await innerLoss(net, signal, phi, pace, g);
    for (let i = 0; i < m; i++) rates[index[i]!]! -= v[i]! * g.modulation[i]!;
    if (!outer.secondOrder) continue;
    const direction = v.map((value, i) => net.rates[index[i]!]! * value);
    const r = emptyGradient(net, m);
    await innerCurvature(net, signal, phi, direction, pace, r);
    for (let i = 0; i < weights.length; i++) weights[i]! -= r.weights[i]!;
    for (let i = 0; i < m; i++) v[i]! -= r.modulation[i]!;
  }
  return { loss, weights, rates, modulation };
}

export function emptyGradient(net: Network64, m: number): Gradient64 {
  return { weights: new Float64Array(net.layout.length), modulation: new Float64Array(m) };
}

/** Which rate belongs to each float of a modulation [m] in a step. */
function rateIndex(net: Network64, shape: readonly number[], step: number): Int32Array {
  const first = ratesAt(net, step);
  return Int32Array.from(channelOfEach(modulationLayout(net.spec, shape)), (channel) => first + channel);
}

function errorAt(signal: Signal64, p: number, f: Float64Array): Float64Array {
  return f.map((value, c) => value - signal.targets[p * f.length + c]!);
}
