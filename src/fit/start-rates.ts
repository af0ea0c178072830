/**
 * How strongly a field answers to each channel of its modulation, and the inner rates that follow.
 *
 * With J = df/dphi at a point of modulation space, G_c = E over cells [sum over points and outputs of J_c^2] is the
 * diagonal of the Gauss-Newton matrix of the inner loss. Hutchinson's estimate needs gradients only: those of
 * 1/2 sum (f - t)^2 for targets t = 0 and for random signs t = s differ by J^T s, and E[(J^T s)_c^2] = sum J_c^2.
 */
import { BadInputError } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { channelMeanSquares } from '../field/channels.ts';
import { modulationLayout } from '../field/layout.ts';
import { type BaseNetwork, type FieldSpec, pointCount } from '../field/spec.ts';

/**
 * G [channels] for signals of `shape`, averaged over cells and over `modulations` [count, m], each probed with one
 * vector of random signs.
 */
export async function gramDiagonal(
  engine: Engine,
  net: BaseNetwork,
  shape: readonly number[],
  modulations: Float32Array,
  rng: Rng,
  options: CallOptions = {},
): Promise<Float64Array> {
  const layout = modulationLayout(net.spec, shape);
  if (layout.length === 0) return new Float64Array(0);
  const count = modulations.length / layout.length;
  if (!Number.isInteger(count) || count === 0) {
    throw new BadInputError(
      'modulation-length',
      `${modulations.length} floats are no whole number of modulations of ${layout.length}`,
    );
  }
  const targets = new Float32Array(count * pointCount(shape) * net.spec.outputs);
  const batch = { shape, count, targets };
  const plain = await engine.gradient(net, batch, modulations, options);
  for (let i = 0; i < targets.length; i++) targets[i] = rng.u32() & 1 ? 1 : -1;
  const { gradient } = await engine.gradient(net, batch, modulations, options);
  for (let i = 0; i < gradient.length; i++) gradient[i]! -= plain.gradient[i]!;
  return channelMeanSquares(layout, gradient);
}

/**
 * Rates [steps, channels] that go through the levels from coarse to fine, made of those [channels] of `startRates`: each step is
 * bold in its levels, as if there were no others, and a tenth as bold as that in the others.
 */
export function coarseToFine(spec: FieldSpec, rates: Float32Array, steps: number): Float32Array {
  const { length } = spec.levels;
  const levelOf = spec.levels.flatMap(({ channels }, k) => new Array<number>(channels).fill(k));
  return Float32Array.from({ length: steps * rates.length }, (_, i) => {
    const c = i % rates.length;
    const own = Math.floor((levelOf[c]! * steps) / length) === Math.floor(i / rates.length);
    return rates[c]! * (own ? length : 0.1);
  });
}

/**
 * Inner rates [channels] to start learning from: `share / (levels * G)`, the inverse Gauss-Newton diagonal at
 * phi = 0, divided among the levels because they explain the same signal together. From one constant for all
 * channels a stack of grids hardly moves. `probes` sign vectors are used. A channel that the field does not answer
 * to gets the mean rate of the others.
 */
export async function startRates(
  engine: Engine,
  net: BaseNetwork,
  shape: readonly number[],
  rng: Rng,
  { share = 0.5, probes = 32, signal }: { share?: number; probes?: number } & CallOptions = {},
): Promise<Float32Array> {
  const layout = modulationLayout(net.spec, shape);
  const zeros = new Float32Array(probes * layout.length);
  const gram = await gramDiagonal(engine, net, shape, zeros, rng, { signal });
  const least = 1e-6 * gram.reduce((most, g) => Math.max(most, g), 0);
  const rates = Float32Array.from(gram, (g) => (g > least ? share / (layout.levels.length * g) : 0));
  const live = rates.filter((rate) => rate > 0);
  const mean = live.length > 0 ? live.reduce((sum, rate) => sum + rate, 0) / live.length : share;
  return rates.map((rate) => (rate > 0 ? rate : mean));
}

/** Whether `steps` inner steps from zero leave a batch with less loss than it begins with, and nothing that is not finite. */
export async function lowersLoss(
  engine: Engine,
  net: BaseNetwork,
  batch: Batch,
  steps: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { trajectory } = await engine.adapt(net, batch, steps, { signal });
  const m = trajectory.length / ((steps + 1) * batch.count);
  if (steps === 0 || m === 0) return true;
  const final = trajectory.slice(steps * batch.count * m);
  if (!final.every(Number.isFinite)) return false;
  const lossAt = async (modulations: Float32Array) => {
    const { losses } = await engine.gradient(net, batch, modulations, { signal });
    return losses.reduce((sum, loss) => sum + loss, 0);
  };
  const before = await lossAt(trajectory.slice(0, batch.count * m));
  // A batch without an error has nothing to lower.
  return before === 0 || (await lossAt(final)) < before;
}
