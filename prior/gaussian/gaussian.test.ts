import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { layoutOfGrids } from '../../src/field/layout.ts';
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
  const layout = layoutOfGrids([{ cells: [2], channels: 2, cell: [4] }]);
  return { layout, count, modulations, labels: [], labelOf: new Uint16Array(count) };
}

/** [4][4], a column of the identity at a time. */
function covarianceOf(prior: ReturnType<typeof openGaussian>): number[][] {
  const image = new Float64Array(4);
  return Array.from({ length: 4 }, (_, row) => {
    const back = new Float64Array(prior.length);
    prior.gather(
      Float64Array.from({ length: 4 }, (_, d) => Number(d === row)),
      back,
    );
    prior.spread(back, image);
    return [...image];
  });
}

const training = { networkId: 'one', data: 'synthetic', rank: 2 };

test('a Gaussian has the mean and the covariance of what it was learnt from', async () => {
  const prior = openGaussian(await trainGaussian({ set: setOf(4000), ...training }), { networkId: 'one' });
  const covariance = covarianceOf(prior);
  expect(prior.mean[0]).toBeCloseTo(1, 1);
  expect(covariance[0]![0]).toBeCloseTo(4.01, 0);
  expect(covariance[0]![1]).toBeCloseTo(2, 0);
  expect(covariance[1]![0]).toBeCloseTo(covariance[0]![1]!, 6);
  expect(Math.abs(covariance[0]![2]!)).toBeLessThan(0.1);
  expect(covariance[3]![3]).toBeLessThan(0.01);
});

test('is learnt from fewer modulations than it has directions for', async () => {
  const m = 60;
  const rng = new Rng(4);
  const modulations = Float32Array.from({ length: 8 * m }, () => rng.normal());
  const layout = layoutOfGrids([{ cells: [m], channels: 1, cell: [4] }]);
  const set = { layout, count: 8, modulations, labels: [], labelOf: new Uint16Array(8) };
  const prior = openGaussian(await trainGaussian({ set, ...training, rank: 64 }));
  expect(prior.sample({ count: 1, seed: 1 })[0]!.every(Number.isFinite)).toBe(true);
});

test('samples have its moments, and the first of many are the few', async () => {
  const prior = openGaussian(await trainGaussian({ set: setOf(4000), ...training }));
  const many = prior.sample({ count: 3000, seed: 5 });
  expect(prior.sample({ count: 2, seed: 5 })).toEqual(many.slice(0, 2));
  const product = many.reduce((sum, [a, b]) => sum + (a! - 1) * b!, 0) / many.length;
  expect(product).toBeCloseTo(2, 0);
});

test('modulations cost what the density of their neighbourhood says, and unlikely ones more', async () => {
  const prior = openGaussian(await trainGaussian({ set: setOf(4000), ...training }));
  const steps = [0.1, 0.1, 0.1, 0.1];
  const { modulations } = setOf(40);
  const bits = prior.scoreAt(steps)(modulations, 1);
  // By the covariance as a matrix, with the twelfth of a step squared.
  const covariance = covarianceOf(prior).map((row, r) =>
    Float64Array.from(row, (v, d) => v + Number(d === r) * (0.01 / 12)),
  );
  const rng = new Rng(1);
  for (let i = 0; i < 40; i++) {
    const rows = covariance.map((row) => [...row]);
    const right = Array.from({ length: 4 }, (_, d) => {
      const symbol = Math.floor(modulations[i * 4 + d]! / 0.1 + 0.5);
      return 0.1 * (symbol + rng.uniform() - 0.5) - prior.mean[d]!;
    });
    const r = [...right];
    let logDeterminant = 0;
    for (let k = 0; k < 4; k++) {
      logDeterminant += Math.log(rows[k]![k]!);
      for (let j = k + 1; j < 4; j++) {
        const share = rows[j]![k]! / rows[k]![k]!;
        for (let c = k; c < 4; c++) rows[j]![c]! -= share * rows[k]![c]!;
        right[j]! -= share * right[k]!;
      }
    }
    for (let k = 3; k >= 0; k--) {
      for (let c = k + 1; c < 4; c++) right[k]! -= rows[k]![c]! * right[c]!;
      right[k]! /= rows[k]![k]!;
    }
    const square = r.reduce((sum, x, k) => sum + x * right[k]!, 0);
    const nats = 0.5 * (4 * Math.log(2 * Math.PI) + logDeterminant + square) - 4 * Math.log(0.1);
    expect(bits[i]).toBeCloseTo(nats / Math.LN2, 6);
  }
  const far = modulations.slice(0, 4).map((x) => x + 5);
  expect(prior.scoreAt(steps)(far, 1)[0]!).toBeGreaterThan(2 * Math.max(...bits));
  expect(() => prior.scoreAt(steps)(new Float32Array(3), 1)).toThrow(
    expect.objectContaining({ code: 'modulation' }),
  );
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
