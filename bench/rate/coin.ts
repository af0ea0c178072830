/**
 * COIN (arXiv 2103.03123): a SIREN of its own for every picture, fitted by Adam, its weights stored in 16 bits and nothing else.
 * Sizes are those of COIN++'s comparison on CIFAR-10 (two hidden layers of 12 to 22); larger pictures take COIN's own (its
 * table 1). The learning rate falls along a cosine, which reaches in thousands of steps what a constant one takes tens of
 * thousands for; the best weights met are kept, as in COIN.
 */

import { fromHalf, toHalf } from '../../prior/train/half.ts';
import { psnrDb, psnrOfMeanMse } from '../../src/core/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import { coin } from '../../src/field/presets.ts';
import { type FieldSpec, pointCount } from '../../src/field/spec.ts';
import { batchOf, fitOwnNetwork, type OwnSize, publishedSizes } from '../../src/fit/index.ts';
import { errorOf, pictureOf } from '../../src/jobs/peer-codecs.ts';
import { type Signal, signalToBytes } from '../../src/signal/signal.ts';
import { type Curve, type Point, pointOf } from './curve.ts';

export interface CoinOptions {
  readonly engine: Engine;
  /** Steps of Adam for every picture. */
  readonly steps: number;
  readonly learningRate?: number | undefined;
  readonly onFit?: ((size: OwnSize, picture: number) => void) | undefined;
}

/** Field values are samples less a half. */
const values = { offset: 0.5, scale: 1 };
/** Chosen of 2e-3 to 2e-2 on pictures of CIFAR-10's validation split. */
const defaultLearningRate = 3e-3;

/** Sizes of networks for pictures of so many points: those published, but for the largest. */
export function coinSizes(points: number): readonly OwnSize[] {
  return points <= 64 * 64 ? publishedSizes.cifar10 : publishedSizes.kodak.slice(0, -1);
}

/** One point a size, over all `signals`. */
export async function coinCurve(
  signals: readonly Signal[],
  sizes: readonly OwnSize[],
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
      const { steps: iterations, learningRate = defaultLearningRate } = options;
      const batch = batchOf([signal], spec.outputs, values);
      const fitted = await fitOwnNetwork(options.engine, spec, batch, { iterations, learningRate, seed: 1 });
      const weights = fromHalf(toHalf(fitted.weights));
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
