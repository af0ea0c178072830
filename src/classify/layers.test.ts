import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openTensorFlow, type TensorFlow } from '../engine/tfjs/backend.ts';
import { type Convolution, convolution, mergingConvolution, normalised } from './layers.ts';

let tf: TensorFlow;
beforeAll(async () => {
  tf = (await openTensorFlow({ threads: 1 })).tf;
}, 120_000);

function normals(shape: number[], seed: number): Tensor {
  const rng = new Rng(seed);
  const length = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => rng.normal()),
    shape,
  );
}

/** The sum of the outputs' products with random numbers: its gradient tests every output at once. */
function probe(run: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]) {
  const outputs = run(...inputs);
  const weights = normals(outputs.shape, 99);
  return (...at: Tensor[]) => tf.sum(tf.mul(run(...at), weights));
}

/** Gradients against central differences in a few places. */
function expectGradients(run: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]): void {
  const loss = probe(run, inputs);
  const gradients = tf.grads(loss)(inputs);
  const rng = new Rng(7);
  for (const [i, input] of inputs.entries()) {
    const values = Float32Array.from(input.dataSync());
    for (let turn = 0; turn < 6; turn++) {
      const at = rng.below(values.length);
      const moved = (by: number) => {
        const changed = values.slice();
        changed[at]! += by;
        const others = inputs.map((x, j) => (j === i ? tf.tensor(changed, x.shape) : x));
        return loss(...others).dataSync()[0]!;
      };
      const step = 1e-2;
      const numeric = (moved(step) - moved(-step)) / (2 * step);
      const found = gradients[i]!.dataSync()[at]!;
      expect(Math.abs(found - numeric)).toBeLessThan(0.02 * (1 + Math.abs(numeric)));
    }
  }
}

test('a convolution of two axes is that of TensorFlow.js with zeros around', () => {
  const [batch, height, width, inputs, outputs] = [2, 5, 4, 3, 6];
  const x = normals([batch, height * width, inputs], 1) as Tensor3D;
  const weights = normals([9 * inputs, outputs], 2) as Tensor2D;
  const found = convolution(tf, [height, width]).apply(x, weights);
  const image = tf.reshape(x, [batch, height, width, inputs]) as never;
  const filter = tf.reshape(weights, [3, 3, inputs, outputs]) as never;
  const expected = tf.reshape(tf.conv2d(image, filter, 1, 'same'), found.shape);
  expect(tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]).toBeLessThan(1e-4);
});

const grids: [string, () => Convolution][] = [
  ['3 x 3 on an odd grid', () => convolution(tf, [3, 5])],
  ['3 on one axis', () => convolution(tf, [6])],
  ['3 on a single cell', () => convolution(tf, [1, 1])],
  ['merging of an even grid', () => mergingConvolution(tf, [4, 2])],
  ['merging of an odd grid', () => mergingConvolution(tf, [3, 5])],
];

test.each(grids)('the gradients of a convolution are those of its values: %s', (_name, open) => {
  const grid = open();
  const cells = grid.stencil.from.reduce((product, n) => product * n, 1);
  const x = normals([2, cells, 2], 3);
  const weights = normals([grid.stencil.taps * 2, 3], 4);
  expectGradients((a, w) => grid.apply(a as Tensor3D, w as Tensor2D), [x, weights]);
  grid.dispose();
});

test('a merging makes one cell of each block, with zeros past the end of an odd axis', () => {
  const grid = mergingConvolution(tf, [3, 2]);
  const x = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 6, 1]);
  const columns = grid.columns(x);
  expect([...columns.dataSync()]).toEqual([1, 2, 3, 4, 5, 6, 0, 0]);
});

test('normalised columns have the asked mean and deviation before they are rectified, and tell their moments', () => {
  const x = tf.add(tf.mul(normals([500, 2], 5), 3), 10) as Tensor2D;
  const moments: number[][] = [];
  const lift = tf.tensor1d([50, 60]);
  const y = normalised(tf, x, tf.tensor1d([1, 2]), lift, (mean, variance) =>
    moments.push([...mean.dataSync()], [...variance.dataSync()]),
  );
  const { mean, variance } = tf.moments(y, 0);
  for (const [i, [m, v]] of [
    [50, 1],
    [60, 4],
  ].entries()) {
    expect(mean.dataSync()[i]).toBeCloseTo(m!, 2);
    expect(variance.dataSync()[i]).toBeCloseTo(v!, 1);
    expect(Math.abs(moments[0]![i]! - 10)).toBeLessThan(0.5);
    expect(Math.abs(moments[1]![i]! - 9)).toBeLessThan(1.5);
  }
});

test('the gradients of a normalisation are those of its values', () => {
  // The third column is cut off as a whole, and no value is near the bend.
  const inputs = [normals([12, 3], 6), tf.tensor1d([1.5, -0.7, 1]), tf.tensor1d([6, 6, -9])];
  expectGradients(
    (x, gain, bias) => normalised(tf, x as Tensor2D, gain as Tensor1D, bias as Tensor1D, () => undefined),
    inputs,
  );
});
