/** The reference engine: float64, one point after another, single-threaded; what other engines are tested against. */

import { Pace } from '../../core/pace.ts';
import { gridPositions } from '../../field/coordinates.ts';
import { forward, type Network64, network64, siteAt } from '../../field/field64.ts';
import { channelOfEach, modulationLayout } from '../../field/layout.ts';
import { type BaseNetwork, modulationLength, pointCount } from '../../field/spec.ts';
import { checkAbort } from '../check.ts';
import { checkedEngine } from '../checked.ts';
import { derivatives64 } from '../derivatives64.ts';
import type { Batch, CallOptions, Engine, Points } from '../engine.ts';
import { oneByOne } from '../one-by-one.ts';
import { pointsIn } from '../points.ts';
import { adapt64, emptyGradient, innerLoss, metaGradient64, type Signal64, sampleSites } from './learn64.ts';

/** How far a channel is moved to either side: in float64, slopes have ten digits. */
const DIFFERENCE = 1e-5;

export async function openReference(): Promise<Engine> {
  /** Calls `work` for every signal of a batch, at a pace. */
  async function each(
    net: BaseNetwork,
    batch: Batch,
    options: CallOptions | undefined,
    work: Work,
  ): Promise<void> {
    const inner = network64(net);
    const pace = await begin(options);
    const sites = await sampleSites(inner, batch.shape, pace);
    for (let i = 0; i < batch.count; i++) {
      await pace.turn();
      await work(inner, signalAt(net, batch, sites, i), i, pace);
    }
  }

  const evaluate: Engine['evaluate'] = async (net, shape, modulation, points, options) => {
    const n = pointsIn(points, net.spec.axes);
    const { axes, outputs } = net.spec;
    const inner = network64(net);
    const phi = Float64Array.from(modulation);
    const positions = positionsOf(points);
    const values = new Float32Array(n * outputs);
    const pace = await begin(options);
    for (let p = 0; p < n; p++) {
      if (pace.due) await pace.turn();
      const site = siteAt(net.spec, shape, positions.subarray(p * axes, (p + 1) * axes));
      values.set(forward(inner, site, phi).f, p * outputs);
    }
    return values;
  };

  return checkedEngine({
    name: 'reference',
    threads: 1,

    evaluate,
    evaluateMany: oneByOne(evaluate),

    async slopes(net, { shape, count, modulations }, points, options) {
      const n = pointsIn(points, net.spec.axes);
      const { axes, outputs } = net.spec;
      const inner = network64(net);
      const positions = positionsOf(points);
      const layout = modulationLayout(net.spec, shape);
      const { length, channels } = layout;
      const channelOf = channelOfEach(layout);
      const slopes = new Float32Array(count * channels * n * outputs);
      const pace = await begin(options);
      for (let k = 0; k < count * channels; k++) {
        const phi = row(modulations, Math.floor(k / channels), length);
        const moved = (by: number) => phi.map((x, i) => (channelOf[i] === k % channels ? x + by : x));
        const [up, down] = [moved(DIFFERENCE), moved(-DIFFERENCE)];
        for (let p = 0; p < n; p++) {
          if (pace.due) await pace.turn();
          const site = siteAt(net.spec, shape, positions.subarray(p * axes, (p + 1) * axes));
          const [above, below] = [forward(inner, site, up).f, forward(inner, site, down).f];
          const at = (k * n + p) * outputs;
          for (let o = 0; o < outputs; o++) slopes[at + o] = (above[o]! - below[o]!) / (2 * DIFFERENCE);
        }
      }
      return slopes;
    },

    derivatives: derivatives64,

    async gradient(net, batch, modulations, options) {
      const m = modulationLength(net.spec, batch.shape);
      const losses = new Float64Array(batch.count);
      const gradient = new Float32Array(batch.count * m);
      await each(net, batch, options, async (inner, signal, i, pace) => {
        const g = emptyGradient(inner, m);
        losses[i] = await innerLoss(inner, signal, row(modulations, i, m), pace, g);
        gradient.set(g.modulation, i * m);
      });
      return { losses, gradient };
    },

    async adapt(net, batch, steps, options) {
      const { count } = batch;
      const m = modulationLength(net.spec, batch.shape);
      const start = options?.start ?? new Float32Array(count * m);
      const trajectory = new Float32Array((steps + 1) * count * m);
      const losses = new Float64Array(steps * count);
      await each(net, batch, options, async (inner, signal, i, pace) => {
        const run = await adapt64(inner, signal, steps, row(start, i, m), pace);
        run.trajectory.forEach((phi, k) => {
          trajectory.set(phi, (k * count + i) * m);
        });
        run.losses.forEach((loss, k) => {
          losses[k * count + i] = loss;
        });
      });
      return { trajectory, losses };
    },

    async metaGradient(net, batch, adapted, outer, options) {
      const steps = adapted.losses.length / batch.count;
      const { count } = batch;
      const m = modulationLength(net.spec, batch.shape);
      const losses = new Float64Array(count);
      const weights = new Float64Array(net.weights.length);
      const rates = new Float64Array(net.rates.length);
      const modulations = new Float32Array(count * m);
      await each(net, batch, options, async (inner, signal, i, pace) => {
        const trajectory = Array.from({ length: steps + 1 }, (_, k) =>
          row(adapted.trajectory, k * count + i, m),
        );
        const loss = {
          distortionWeight: outer.distortionWeight,
          offset: outer.offset ? row(outer.offset, i, m) : new Float64Array(m),
          extraGradient: outer.extraGradient ? row(outer.extraGradient, i, m) : new Float64Array(m),
          secondOrder: outer.secondOrder ?? true,
        };
        const g = await metaGradient64(inner, signal, trajectory, loss, pace);
        losses[i] = g.loss;
        for (let j = 0; j < weights.length; j++) weights[j]! += g.weights[j]!;
        for (let j = 0; j < rates.length; j++) rates[j]! += g.rates[j]!;
        modulations.set(g.modulation, i * m);
      });
      return { losses, weights: Float32Array.from(weights), rates: Float32Array.from(rates), modulations };
    },

    async close() {},
  });
}

type Work = (net: Network64, signal: Signal64, index: number, pace: Pace) => Promise<void>;

/** Signal `i` of a batch; `sites` are those of its shape. */
function signalAt(net: BaseNetwork, batch: Batch, sites: Signal64['sites'], i: number): Signal64 {
  const points = pointCount(batch.shape);
  return {
    shape: batch.shape,
    sites,
    targets: row(batch.targets, i, points * net.spec.outputs),
    weights: batch.weights ? row(batch.weights, i, points) : new Float64Array(points).fill(1),
  };
}

function positionsOf(points: Points): Float64Array {
  return points.kind === 'grid' ? gridPositions(points) : Float64Array.from(points.coordinates);
}

/** Row `i` of a matrix of `n` columns, in float64. */
function row(array: Float32Array, i: number, n: number): Float64Array {
  return Float64Array.from(array.subarray(i * n, (i + 1) * n));
}

/** The event loop turns once before the work begins, too: an abort that is on its way is heard. */
async function begin(options: CallOptions | undefined): Promise<Pace> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  checkAbort(options);
  return new Pace(options?.signal);
}
