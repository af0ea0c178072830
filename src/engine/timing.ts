/** What an engine is worth on this machine, in a moment: small jobs of the size that a picture of 32 x 32 asks for. */
import { Rng } from '../core/rng.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { pyramid } from '../field/presets.ts';
import { modulationLength, totalChannels } from '../field/spec.ts';
import type { CallOptions, Engine } from './engine.ts';

export interface Timing {
  /** Adapting 4 signals of 16 x 16 in RGB, 3 steps. */
  readonly adaptMs: number;
  /** Evaluating one of them at 64 x 64 points. */
  readonly pointsPerSecond: number;
}

export interface TimingOptions extends CallOptions {
  /** How often each job is done, after once that does not count; the best time stands. 3 by default. */
  readonly rounds?: number | undefined;
}

/** Times `engine` with a pyramid of width 64 and 3 layers. */
export async function timeEngine(engine: Engine, options: TimingOptions = {}): Promise<Timing> {
  const { rounds = 3, signal } = options;
  const spec = pyramid({ axes: 2, outputs: 3 });
  const rng = new Rng(1);
  const net = {
    spec,
    weights: initialWeights(spec, () => rng.uniform()),
    rates: new Float32Array(totalChannels(spec)).fill(1e-3),
  };
  const shape = [16, 16];
  const count = 4;
  const targets = Float32Array.from({ length: count * 16 * 16 * 3 }, () => rng.uniform() - 0.5);
  const modulation = Float32Array.from({ length: modulationLength(spec, shape) }, () => rng.normal());
  const points = coveringGrid(shape, [64, 64]);
  const adaptMs = await bestMs(rounds, () => engine.adapt(net, { shape, count, targets }, 3, { signal }));
  const evaluateMs = await bestMs(rounds, () => engine.evaluate(net, shape, modulation, points, { signal }));
  return { adaptMs, pointsPerSecond: (64 * 64 * 1000) / evaluateMs };
}

async function bestMs(rounds: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    await work();
    best = Math.min(best, performance.now() - started);
  }
  return best;
}
