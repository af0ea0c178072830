import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { openTensorFlow } from '../../src/engine/tfjs/backend.ts';
import {
  activations,
  type DenoiserInput,
  type DenoiserSize,
  denoiserShapes,
  levelFeatures,
  startWeights,
} from './net.ts';
import { nativeDenoiser } from './net-native.ts';
import { tfjsDenoiser } from './net-tfjs.ts';

const { tf } = await openTensorFlow({ threads: 1 });
const rng = new Rng(3);
const normals = (n: number) => Float32Array.from({ length: n }, () => rng.normal());

/** Weights in general position: at the start gates are zero, and most gradients too. */
function problem(more: Partial<DenoiserSize> = {}) {
  const size: DenoiserSize = {
    tokens: 9,
    slots: 5,
    width: 24,
    blocks: 2,
    heads: 3,
    labels: 4,
    activation: 'gelu',
    tokenLevels: false,
    ...more,
  };
  const weights = startWeights(size, rng).map((values) => values.map((value) => value + 0.1 * rng.normal()));
  const count = 3;
  const label = new Float32Array(count * Math.max(1, size.labels));
  if (size.labels > 0) label[1] = label[size.labels + 3] = 1;
  const input: DenoiserInput = {
    count,
    x: normals(count * size.tokens * size.slots),
    level: Float32Array.from([0.1, 1, 9].flatMap((sigma) => [...levelFeatures(sigma)])),
    levels: Float32Array.from(
      Array.from({ length: count * size.tokens }, (_, i) => [...levelFeatures(0.1 + (i % 7))]).flat(),
    ),
    label,
  };
  const wish = normals(input.x.length);
  const copies = () => weights.map((values) => values.slice());
  const oracle = tfjsDenoiser(tf, size, copies());
  const native = nativeDenoiser(size, copies(), 2)!;
  return { size, input, wish, oracle, native };
}

function far(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [most, size] = [0, 1e-6];
  for (let i = 0; i < b.length; i++) {
    most = Math.max(most, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return a.length === b.length ? most / size : Number.POSITIVE_INFINITY;
}

test.each([
  ['gelu', {}],
  ['relu', { activation: activations[0] }],
  ['one token, no labels', { tokens: 1, labels: 0 }],
  ['levels of tokens', { tokenLevels: true }],
  ['heads and rows that fill no vector', { tokens: 5, width: 21, heads: 3, slots: 1, blocks: 1 }],
] as const)('the native denoiser is that of TensorFlow.js, gradients too: %s', (_, more) => {
  const { size, input, wish, oracle, native } = problem(more);
  expect(far(native.predict(input), oracle.predict(input))).toBeLessThan(1e-5);
  const toInput = [native, oracle].map((net) => net.pullToInput(input, () => wish));
  expect(far(toInput[0]!, toInput[1]!)).toBeLessThan(1e-5);
  const [own, wanted] = [native, oracle].map((net) => net.pullToWeights(input, () => wish));
  [...denoiserShapes(size).keys()].forEach((name, i) => {
    expect(far(own![i]!, wanted![i]!), name).toBeLessThan(3e-5);
  });
  expect(far(native.predict(input), oracle.predict(input))).toBeLessThan(1e-5);
});

test('gradients of the native denoiser are those by finite differences', () => {
  const { size, input, wish, native } = problem();
  const gradients = native.pullToWeights(input, () => wish).map((values) => values.slice());
  const value = () => {
    native.refresh();
    return native.predict(input).reduce((sum, found, i) => sum + found * wish[i]!, 0);
  };
  [...denoiserShapes(size).keys()].forEach((name, w) => {
    // Along the gradient itself the derivative is its length.
    const gradient = gradients[w]!;
    const length = Math.hypot(...gradient);
    const step = 0.003;
    const at = native.weights[w]!.slice();
    const moved = [1, -1].map((sign) => {
      native.weights[w]!.set(at.map((x, i) => x + (sign * step * gradient[i]!) / length));
      return value();
    });
    native.weights[w]!.set(at);
    expect((moved[0]! - moved[1]!) / (2 * step) / length, name).toBeCloseTo(1, 1);
  });
});

test('what threads share does not change a bit', () => {
  const { size, input, wish, native } = problem({ tokens: 49, width: 48 });
  const alone = nativeDenoiser(
    size,
    native.weights.map((values) => values.slice()),
    1,
  )!;
  const one = alone.pullToWeights(input, () => wish).map((values) => values.slice());
  const two = nativeDenoiser(size, native.weights, 2)!.pullToWeights(input, () => wish);
  expect(two.map((values) => values.slice())).toEqual(one);
});
