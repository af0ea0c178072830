/**
 * COIN (arXiv 2103.03123): a SIREN of its own for every picture, fitted by Adam, its weights stored in 16 bits and nothing else.
 * Sizes are those of COIN++'s comparison on CIFAR-10 (two hidden layers of 12 to 22); larger pictures take COIN's own (its
 * table 1). The learning rate falls along a cosine, which reaches in thousands of steps what a constant one takes tens of
 * thousands for; the best weights met are kept, as in COIN.
 */

import { fromHalf, toHalf } from '../../prior/train/half.ts';
import { Rng } from '../../src/core/rng.ts';
import { psnrDb, psnrOfMeanMse } from '../../src/core/units.ts';
import type { Batch, Engine } from '../../src/engine/engine.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import { initialWeights } from '../../src/field/initialise.ts';
import { coin } from '../../src/field/presets.ts';
import { type FieldSpec, pointCount } from '../../src/field/spec.ts';
import { batchOf } from '../../src/fit/index.ts';
import { errorOf, pictureOf } from '../../src/jobs/peer-codecs.ts';
import { Adam, cosineSchedule } from '../../src/learn/adam.ts';
import { type Signal, signalToBytes } from '../../src/signal/signal.ts';
import { type Curve, type Point, pointOf } from './curve.ts';

export interface CoinOptions {
  readonly engine: Engine;
  /** Steps of Adam for every picture. */
  readonly steps: number;
  readonly learningRate?: number | undefined;
  readonly onFit?: ((size: CoinSize, picture: number) => void) | undefined;
}

export interface CoinSize {
  readonly width: number;
  /** Hidden layers. */
  readonly layers: number;
}

/** Field values are samples less a half. */
const values = { offset: 0.5, scale: 1 };
/** Chosen of 2e-3 to 2e-2 on pictures of CIFAR-10's validation split. */
const defaultLearningRate = 3e-3;

/** Sizes of networks for pictures of so many points. */
export function coinSizes(points: number): CoinSize[] {
  if (points <= 64 * 64) return [12, 14, 16, 18, 20, 22].map((width) => ({ width, layers: 2 }));
  return [
    { width: 20, layers: 5 },
    { width: 30, layers: 5 },
    { width: 28, layers: 10 },
    { width: 40, layers: 10 },
  ];
}

/** One point a size, over all `signals`. */
export async function coinCurve(
  signals: readonly Signal[],
  sizes: readonly CoinSize[],
  options: CoinOptions,
): Promise<Curve> {
  const points: Point[] = [];
  for (const size of sizes) {
    const items = { bitsPerPixel: [] as number[], psnrDb: [] as number[] };
    const mses: number[] = [];
    let encodeMs = 0;
    let decodeMs = 0;
    for (const [i, signal] of signals.entries()) {
      options.onFit?.(size, i);
      const started = performance.now();
      const spec = coin({ axes: 2, outputs: signal.channels, ...size });
      const weights = fromHalf(toHalf(await fitCoin(signal, spec, options)));
      const decodeStart = performance.now();
      const decoded = await decodeCoin(options.engine, spec, weights, signal.shape);
      encodeMs += decodeStart - started;
      decodeMs += performance.now() - decodeStart;
      const mse = errorOf(pictureOf(signal), decoded);
      mses.push(mse);
      items.psnrDb.push(psnrDb(mse));
      items.bitsPerPixel.push((16 * weights.length) / pointCount(signal.shape));
    }
    const n = signals.length;
    points.push(
      pointOf(`${size.layers} x ${size.width}`, items, {
        psnrDbOfMeanMse: psnrOfMeanMse(mses),
        encodeMs: encodeMs / n,
        decodeMs: decodeMs / n,
      }),
    );
  }
  const source = `fitted here, ${options.steps} steps of Adam; 16 bits a weight, no header`;
  return { name: 'COIN', kind: 'same program', form: 'weights', source, n: signals.length, points };
}

/** Weights of a network without modulation that is this signal. */
export async function fitCoin(
  signal: Signal,
  spec: FieldSpec,
  { engine, steps, learningRate = defaultLearningRate }: CoinOptions,
): Promise<Float32Array> {
  const rng = new Rng(1);
  const batch: Batch = batchOf([signal], spec.outputs, values);
  const weights = initialWeights(spec, () => rng.uniform());
  const net = { spec, weights, rates: new Float32Array(0) };
  // No inner steps over no modulation: the outer gradient is the plain gradient of the weights.
  const nothing = { trajectory: new Float32Array(0), losses: new Float64Array(0) };
  const parameters = Float64Array.from(weights);
  const adam = new Adam([{ name: 'weights', parameters, learningRate }]);
  const perValue = 2 / batch.targets.length;
  let best = weights.slice();
  let least = Number.POSITIVE_INFINITY;
  for (let step = 0; step <= steps; step++) {
    const { losses, weights: gradient } = await engine.metaGradient(net, batch, nothing, {
      distortionWeight: 1,
    });
    if (losses[0]! < least) {
      least = losses[0]!;
      best = weights.slice();
    }
    if (step === steps) break;
    adam.step([Float64Array.from(gradient)], cosineSchedule(step, steps, 0, 0), perValue);
    weights.set(parameters);
  }
  return best;
}

/** 8-bit samples [points, channels]. */
export async function decodeCoin(
  engine: Engine,
  spec: FieldSpec,
  weights: Float32Array,
  shape: readonly number[],
): Promise<Uint8Array> {
  const net = { spec, weights, rates: new Float32Array(0) };
  const field = await engine.evaluate(net, shape, new Float32Array(0), coveringGrid(shape));
  const samples = field.map((v) => values.offset + values.scale * v);
  return signalToBytes({ id: 'decoded', shape, channels: spec.outputs, values: samples });
}
