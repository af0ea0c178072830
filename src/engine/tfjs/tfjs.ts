/**
 * The TensorFlow.js engine: every gradient comes from `tf.grads`, nested for the second order, so it is an oracle that
 * shares no derivation with the other engines, and it runs where TensorFlow.js does (on a GPU through its backends).
 */
import { gridPositions } from '../../field/coordinates.ts';
import { type BaseNetwork, modulationLength } from '../../field/spec.ts';
import { checkAbort } from '../check.ts';
import { checkedEngine } from '../checked.ts';
import { derivatives64 } from '../derivatives64.ts';
import { slopesByDifferences } from '../differences.ts';
import type { Batch, CallOptions, Engine } from '../engine.ts';
import { oneByOne } from '../one-by-one.ts';
import { pointsIn } from '../points.ts';
import type { TensorFlow } from './backend.ts';
import { entryRates, fieldValues, innerLosses, modulationTensor } from './field.ts';
import { metaTensors } from './meta.ts';
import { scatteredSites, type Tensor } from './sites.ts';

/** Points evaluated at a time: bounds memory, and is how often an abort is looked for. */
const POINTS_PER_TURN = 1 << 14;

/** An engine on a `tf` whose backend is ready and whose gradients are registered; closing it leaves `tf` as it is. */
export async function openTfjs(tf: TensorFlow): Promise<Engine> {
  /** The values of the tensors that `work` gives, empty for one that is absent. No tensor outlives the call. */
  async function run(
    options: CallOptions | undefined,
    work: () => (Tensor | undefined)[],
  ): Promise<Float32Array[]> {
    await turn(options);
    const tensors = tf.tidy(work as () => Tensor[]) as (Tensor | undefined)[];
    try {
      const values = await Promise.all(tensors.map((tensor) => tensor?.data<'float32'>()));
      checkAbort(options);
      return values.map((array) => Float32Array.from(array ?? []));
    } finally {
      tf.dispose(tensors.filter((tensor) => tensor !== undefined));
    }
  }

  /** Inner losses [count] and their gradient [count, m] at `modulations`. */
  async function lossAndGradient(
    net: BaseNetwork,
    batch: Batch,
    modulations: Float32Array,
    options: CallOptions | undefined,
  ): Promise<{ losses: Float64Array; gradient: Float32Array }> {
    const [losses, gradient] = await run(options, () => {
      const loss = innerLosses(tf, net.spec, batch);
      const theta = tf.tensor1d(net.weights);
      const phi = modulationTensor(tf, net.spec, batch.shape, modulations);
      return [loss(theta, phi), phi && tf.grad((p: Tensor) => tf.sum(loss(theta, p)))(phi)];
    });
    return { losses: Float64Array.from(losses!), gradient: gradient! };
  }

  const evaluate: Engine['evaluate'] = async (net, shape, modulation, points, options) => {
    const n = pointsIn(points, net.spec.axes);
    const { axes, outputs } = net.spec;
    const positions = points.kind === 'grid' ? gridPositions(points) : Float64Array.from(points.coordinates);
    const values = new Float32Array(n * outputs);
    for (let p = 0; p < n; p += POINTS_PER_TURN) {
      const some = positions.subarray(p * axes, Math.min(n, p + POINTS_PER_TURN) * axes);
      const [part] = await run(options, () => {
        const phi = modulationTensor(tf, net.spec, shape, modulation);
        const sites = scatteredSites(tf, net.spec, shape, some);
        return [fieldValues(tf, net.spec, sites, tf.tensor1d(net.weights), phi, 1)];
      });
      values.set(part!, p * outputs);
    }
    return values;
  };

  const evaluateMany = oneByOne(evaluate);

  return checkedEngine({
    name: 'tfjs',
    threads: 1,

    evaluate,
    evaluateMany,
    slopes: slopesByDifferences(evaluateMany),
    derivatives: derivatives64,

    async gradient(net, batch, modulations, options) {
      return lossAndGradient(net, batch, modulations, options);
    },

    async adapt(net, batch, steps, options) {
      const { count } = batch;
      const m = modulationLength(net.spec, batch.shape);
      const start = options?.start ?? new Float32Array(count * m);
      const trajectory = new Float32Array((steps + 1) * count * m);
      const losses = new Float64Array(steps * count);
      trajectory.set(start);
      for (let k = 0; k < steps; k++) {
        const phi = trajectory.subarray(k * count * m, (k + 1) * count * m);
        const rates = entryRates(net, batch.shape, k);
        const here = await lossAndGradient(net, batch, phi, options);
        losses.set(here.losses, k * count);
        const next = phi.map((value, i) => value - rates[i % m]! * here.gradient[i]!);
        trajectory.set(next, (k + 1) * count * m);
      }
      return { trajectory, losses };
    },

    async metaGradient(net, batch, adapted, outer, options) {
      const steps = adapted.losses.length / batch.count;
      const [losses, weights, rates, modulations] = await run(options, () => {
        const meta = metaTensors(tf, net, batch, adapted, outer, steps);
        return [meta.losses, meta.weights, meta.rates, meta.modulations];
      });
      return {
        losses: Float64Array.from(losses!),
        weights: weights!,
        rates: rates!,
        modulations: modulations!,
      };
    },

    async close() {},
  });
}

async function turn(options: CallOptions | undefined): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  checkAbort(options);
}
