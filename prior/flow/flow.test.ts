import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { openTensorFlow } from '../../src/engine/tfjs/backend.ts';
import { layoutOfGrids } from '../../src/field/layout.ts';
import type { TrainingSet } from '../train/standard.ts';
import { openFlow, trainFlow } from './index.ts';

const levels = [
  { cells: [2, 2], channels: 1, cell: [8, 8] },
  { cells: [3, 3], channels: 1, cell: [4, 4] },
];
const length = 13;
const rng = new Rng(4);

/** Numbers that lean on the one before, of a scale that the first one sets; the last is always near zero. */
function modulation(): number[] {
  const all = [2 * rng.normal()];
  for (let d = 1; d < length - 1; d++) all.push(0.8 * all[d - 1]! + (0.3 + Math.abs(all[0]!)) * rng.normal());
  return [...all, 0.01 * rng.normal()];
}

const trainingSet = (count: number): TrainingSet => ({
  layout: layoutOfGrids(levels),
  count,
  modulations: Float32Array.from(Array.from({ length: count }, modulation).flat()),
  labels: [],
  labelOf: new Uint16Array(count),
});

const { tf } = await openTensorFlow({ threads: 1 });
const train = (trainingSteps: number) =>
  trainFlow(tf, {
    set,
    heldOut,
    networkId: 'a'.repeat(64),
    steps: Float32Array.of(1, 1),
    data: 'made up',
    quality: 70,
    trainingSteps,
    batch: 64,
    couplings: 4,
    hidden: 16,
    rate: 5e-3,
  });
const set = trainingSet(800);
const heldOut = trainingSet(300);
const bytes = await train(120);
const flow = await openFlow(bytes);

describe('a flow', () => {
  test('decode gives back what encode took', () => {
    const some = heldOut.modulations.subarray(0, 20 * length);
    const back = flow.decode(flow.encode(some).latent);
    back.forEach((value, i) => {
      expect(Math.abs(value - some[i]!)).toBeLessThan(1e-4);
    });
  });

  test('its bits are those of the latent and the Jacobian by finite differences', () => {
    const at = heldOut.modulations.slice(0, length);
    const { latent, bits } = flow.encode(at);
    const h = 1e-3;
    const jacobian = Array.from({ length }, (_, d) => {
      const [up, down] = [at.slice(), at.slice()];
      up[d]! += h;
      down[d]! -= h;
      const [a, b] = [flow.encode(up).latent, flow.encode(down).latent];
      // Columns in quantiser steps: a step is a quarter at quality 70.
      return Array.from(a, (value, i) => ((value - b[i]!) / (up[d]! - down[d]!)) * 0.25);
    });
    const nats =
      latent.reduce((sum, z) => sum + 0.5 * z * z + 0.5 * Math.log(2 * Math.PI), 0) -
      logDeterminant(jacobian);
    expect(bits[0]!).toBeCloseTo(nats / Math.LN2, 0);
  });

  test('training lowers the bits of held-out symbols below those of the whitening alone', async () => {
    const bits = (of: typeof flow) => of.card.figures.bitsPerDimension!;
    const start = await openFlow(await train(1));
    expect(bits(flow)).toBeLessThan(bits(start) - 0.02);
  });

  test('samples follow the seed; at temperature 0 all are one', async () => {
    const draw = (seed: number, temperature?: number) => flow.sample({ count: 2, seed, temperature });
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(2)).not.toEqual(await draw(1));
    expect(await draw(1, 0)).toEqual(await draw(2, 0));
    await expect(draw(1, -1)).rejects.toMatchObject({ code: 'temperature' });
  });

  test('the file of another network or kind is refused', async () => {
    await expect(openFlow(bytes, { networkId: 'b'.repeat(64) })).rejects.toMatchObject({
      code: 'prior-network',
    });
    await expect(openFlow(bytes.subarray(0, 60))).rejects.toMatchObject({ kind: 'stream' });
  });
});

/** Of a square matrix's determinant, by elimination. */
function logDeterminant(matrix: number[][]): number {
  const rows = matrix.map((row) => row.slice());
  let log = 0;
  for (let k = 0; k < rows.length; k++) {
    const pivot = rows.reduce(
      (best, row, i) => (i >= k && Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? i : best),
      k,
    );
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    log += Math.log(Math.abs(rows[k]![k]!));
    for (let i = k + 1; i < rows.length; i++) {
      const by = rows[i]![k]! / rows[k]![k]!;
      for (let j = k; j < rows.length; j++) rows[i]![j]! -= by * rows[k]![j]!;
    }
  }
  return log;
}
