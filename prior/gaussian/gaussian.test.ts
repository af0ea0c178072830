import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { TrainingSet } from '../train/standard.ts';
import { openGaussian, trainGaussian } from './index.ts';

/** Four numbers: one common cause of two of them, and noise. */
function setOf(count: number): TrainingSet {
  const rng = new Rng(1);
  const modulations = new Float32Array(count * 4);
  for (let i = 0; i < count; i++) {
    const cause = rng.normal();
    modulations.set([1 + 2 * cause, cause, 0.5 * rng.normal(), 3], i * 4);
    for (let d = 0; d < 3; d++) modulations[i * 4 + d]! += 0.1 * rng.normal();
  }
  const layout = { levels: [{ cells: [2], channels: 2, cell: [4] }], length: 4 };
  return { layout, count, modulations, labels: [], labelOf: new Uint16Array(count) };
}

const training = { networkId: 'one', data: 'synthetic', rank: 2 };

test('a Gaussian has the mean and the covariance of what it was learnt from', async () => {
  const prior = openGaussian(await trainGaussian({ set: setOf(4000), ...training }), { networkId: 'one' });
  const image = new Float64Array(4);
  const covariance = Array.from({ length: 4 }, (_, row) => {
    const back = new Float64Array(prior.length);
    prior.gather(
      Float64Array.from({ length: 4 }, (_, d) => Number(d === row)),
      back,
    );
    prior.spread(back, image);
    return [...image];
  });
  expect(prior.mean[0]).toBeCloseTo(1, 1);
  expect(covariance[0]![0]).toBeCloseTo(4.01, 0);
  expect(covariance[0]![1]).toBeCloseTo(2, 0);
  expect(covariance[1]![0]).toBeCloseTo(covariance[0]![1]!, 6);
  expect(Math.abs(covariance[0]![2]!)).toBeLessThan(0.1);
  expect(covariance[3]![3]).toBeLessThan(0.01);
});

test('samples have its moments, and the first of many are the few', async () => {
  const prior = openGaussian(await trainGaussian({ set: setOf(4000), ...training }));
  const many = prior.sample({ count: 3000, seed: 5 });
  expect(prior.sample({ count: 2, seed: 5 })).toEqual(many.slice(0, 2));
  const product = many.reduce((sum, [a, b]) => sum + (a! - 1) * b!, 0) / many.length;
  expect(product).toBeCloseTo(2, 0);
});

test('the file of another network, another kind or fewer bytes is refused', async () => {
  const bytes = await trainGaussian({ set: setOf(50), ...training });
  expect(() => openGaussian(bytes, { networkId: 'two' })).toThrow(
    expect.objectContaining({ code: 'prior-network' }),
  );
  expect(() => openGaussian(bytes.subarray(0, bytes.length - 4))).toThrow(
    expect.objectContaining({ kind: 'stream' }),
  );
  const text = Buffer.from(bytes).toString('latin1').replace('"rank\\":2', '"rank\\":9');
  expect(() => openGaussian(Buffer.from(text, 'latin1'))).toThrow(
    expect.objectContaining({ code: 'prior-format' }),
  );
});
