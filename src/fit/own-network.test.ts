import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { type Batch, type Engine, openEngine } from '../engine/index.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { coin } from '../field/presets.ts';
import { weightLayout } from '../field/spec.ts';
import { fitOwnNetwork, lossAndGradient, ownSizeFor, publishedSizes, weightsOfSize } from './own-network.ts';
import { quantiseOwnNetwork, type StepCoding } from './own-steps.ts';

const spec = coin({ axes: 2, outputs: 2, width: 7, layers: 3, w0: 20 });
const shape = [9, 11];
const batch: Batch = {
  shape,
  count: 1,
  targets: Float32Array.from({ length: 198 }, (_, i) => Math.sin(i / 7) * Math.cos(i / 31)),
  weights: Float32Array.from({ length: 99 }, (_, i) => (i % 13 === 0 ? 0 : 1 + (i % 3))),
};

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => engine.close());

describe('the gradient by all weights', () => {
  it('is that of finite differences, in float64', async () => {
    const reference = await openEngine('reference');
    const rng = new Rng(2);
    const weights = initialWeights(spec, () => rng.uniform());
    const { loss, gradient } = await lossAndGradient(reference, spec, batch, weights);
    const at = async (i: number, by: number) => {
      const moved = weights.slice();
      moved[i]! += by;
      const net = { spec, weights: moved, rates: new Float32Array(0) };
      const values = await reference.evaluate(net, shape, new Float32Array(0), coveringGrid(shape));
      let sum = 0;
      values.forEach((value, k) => {
        sum += (batch.weights![k >> 1]! * (value - batch.targets[k]!) ** 2) / 2;
      });
      return { sum, by: moved[i]! - weights[i]! };
    };
    expect(loss).toBeCloseTo((await at(0, 0)).sum, 4);
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    for (let i = 0; i < weightLayout(spec).length; i++) {
      const [up, down] = [await at(i, 1e-3), await at(i, -1e-3)];
      // Values come as float32: differences carry their rounding.
      expect(Math.abs((up.sum - down.sum) / (up.by - down.by) - gradient[i]!), `weight ${i}`).toBeLessThan(
        0.01 * norm,
      );
    }
    const native = await lossAndGradient(engine, spec, batch, weights);
    native.gradient.forEach((g, i) => {
      expect(Math.abs(g - gradient[i]!)).toBeLessThan(1e-4 * norm);
    });
    await reference.close();
  });
});

describe('fitting', () => {
  it('keeps the best that was met, and the same seed gives the same weights', async () => {
    const seen: number[] = [];
    const options = { iterations: 300, seed: 5, onIteration: (_: number, mse: number) => seen.push(mse) };
    const found = await fitOwnNetwork(engine, spec, batch, options);
    expect(seen).toHaveLength(301);
    expect(seen.at(-1)).toBeLessThan(seen[0]! / 2);
    expect(seen.every((mse, i) => i === 0 || mse <= seen[i - 1]!)).toBe(true);
    expect((await lossAndGradient(engine, spec, batch, found.weights)).loss).toBe(found.loss);
    expect((await fitOwnNetwork(engine, spec, batch, options)).weights).toEqual(found.weights);
    expect((await fitOwnNetwork(engine, spec, batch, { ...options, seed: 6 })).weights).not.toEqual(
      found.weights,
    );
  });

  it('stops when asked to', async () => {
    const controller = new AbortController();
    const fitting = fitOwnNetwork(engine, spec, batch, {
      iterations: 1e6,
      signal: controller.signal,
      onIteration: (done) => done === 3 && controller.abort(),
    });
    await expect(fitting).rejects.toMatchObject({ code: 'aborted' });
  });

  it('says what it does not take', async () => {
    const fit = (options: object) => fitOwnNetwork(engine, spec, batch, { iterations: 1, ...options });
    await expect(fit({ iterations: 1.5 })).rejects.toMatchObject({ code: 'iterations' });
    await expect(fit({ learningRate: 0 })).rejects.toMatchObject({ code: 'learning-rate' });
    await expect(fit({ start: new Float32Array(3) })).rejects.toMatchObject({ code: 'weight-count' });
    await expect(
      fit({ start: new Float32Array(weightLayout(spec).length).fill(1e38) }),
    ).rejects.toMatchObject({
      code: 'diverged',
    });
  });
});

describe('steps', () => {
  /** Entropy of symbols on their own, and a little for the step. */
  const coding: StepCoding = {
    tensors: [
      { at: 0, length: 100 },
      { at: 100, length: weightLayout(spec).length - 100 },
    ],
    steps: 40,
    stepOf: (k) => 2 ** (-k / 2),
    bitsOf: (symbols) => symbols.reduce((sum, s) => sum + 1 + 2 * Math.log2(1 + Math.abs(s)), 5),
  };

  it('stay within the bits, and more bits mean less error', async () => {
    const fitted = await fitOwnNetwork(engine, spec, batch, { iterations: 200 });
    const losses: number[] = [];
    for (const perWeight of [4, 7, 11]) {
      const bits = perWeight * fitted.weights.length;
      const plain = await quantiseOwnNetwork(engine, spec, batch, fitted.weights, coding, {
        bits,
        iterations: 0,
      });
      const tuned = await quantiseOwnNetwork(engine, spec, batch, fitted.weights, coding, {
        bits,
        iterations: 40,
      });
      for (const { bits: taken } of [plain, tuned]) expect(taken).toBeLessThanOrEqual(bits);
      expect(tuned.loss).toBeLessThanOrEqual(plain.loss);
      tuned.weights.forEach((weight, i) => {
        const step = coding.stepOf(tuned.steps[i < 100 ? 0 : 1]!);
        expect(weight).toBe(Math.fround(tuned.symbols[i]! * step));
      });
      losses.push(tuned.loss);
    }
    expect(losses[2]).toBeLessThan(losses[1]!);
    expect(losses[1]).toBeLessThan(losses[0]!);
    const few = quantiseOwnNetwork(engine, spec, batch, fitted.weights, coding, { bits: 9, iterations: 0 });
    await expect(few).rejects.toMatchObject({ code: 'bits' });
  });
});

it('networks are sized by the points of a signal, as published ones are', () => {
  expect(ownSizeFor([32, 32], 3)).toEqual({ layers: 2, width: 16 });
  expect(ownSizeFor([512, 768], 3)).toEqual({ layers: 10, width: 28 });
  expect(ownSizeFor([1], 1)).toEqual({ layers: 2, width: 4 });
  // The rates of COIN in COIN++'s comparison, at 16 bits a weight: 3.61, 4.64, 5.80, 7.08, 8.48, 10.02.
  const rates = publishedSizes.cifar10.map((size) => (16 * weightsOfSize(2, 3, size)) / 1024);
  expect(rates.map((rate) => rate.toFixed(2))).toEqual(['3.61', '4.64', '5.80', '7.08', '8.48', '10.02']);
  for (const size of publishedSizes.kodak)
    expect(weightsOfSize(2, 3, size)).toBe(weightLayout(coin({ axes: 2, outputs: 3, ...size })).length);
});
