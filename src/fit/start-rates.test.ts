import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openReference } from '../engine/reference/reference.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { modulationLayout } from '../field/layout.ts';
import { weightLayout } from '../field/spec.ts';
import { tinySpec as spec } from '../learn/testing.ts';
import { coarseToFine, gramDiagonal, startRates } from './start-rates.ts';

const engine = await openReference();
const shape = [6, 9];
const rng = new Rng(3);
const net = { spec, weights: initialWeights(spec, () => rng.uniform()), rates: new Float32Array(5).fill(1) };
const layout = modulationLayout(spec, shape);

/** Mean over cells of sum over points of (df/dphi)^2, by central differences. */
async function exactGram(): Promise<number[]> {
  const sums = new Array<number>(layout.channels).fill(0);
  for (const { at, count: cells, channels, first } of layout.levels) {
    for (let i = 0; i < cells * channels; i++) {
      const phi = new Float32Array(layout.length);
      const valuesAt = async (x: number) => {
        phi[at + i] = x;
        return engine.evaluate(net, shape, phi, coveringGrid(shape));
      };
      const high = await valuesAt(1 / 64);
      const low = await valuesAt(-1 / 64);
      high.forEach((f, p) => {
        sums[first + (i % channels)]! += ((f - low[p]!) * 32) ** 2 / cells;
      });
    }
  }
  return sums;
}

test('sign probes estimate the Gauss-Newton diagonal', async () => {
  const probes = 256;
  const got = await gramDiagonal(engine, net, shape, new Float32Array(probes * layout.length), new Rng(5));
  const want = await exactGram();
  want.forEach((g, c) => {
    expect(Math.abs(got[c]! / g - 1)).toBeLessThan(0.3);
  });
});

test('rates are its inverse, shared among the levels', async () => {
  const gram = await gramDiagonal(engine, net, shape, new Float32Array(8 * layout.length), new Rng(5));
  const rates = await startRates(engine, net, shape, new Rng(5), { probes: 8, share: 0.4 });
  rates.forEach((rate, c) => {
    expect(rate).toBeCloseTo(0.2 / gram[c]!, 6);
  });
});

test('one step from zero with these rates lowers the loss', async () => {
  const rates = await startRates(engine, net, shape, new Rng(1));
  const targets = Float32Array.from({ length: 54 }, (_, i) => Math.sin(i / 7) / 2);
  const { losses } = await engine.adapt({ ...net, rates }, { shape, count: 1, targets }, 4);
  expect(losses[3]!).toBeLessThan(0.7 * losses[0]!);
});

test('a channel that the field does not answer to gets the rate of the others', async () => {
  const { m, mColumns } = weightLayout(spec);
  const weights = net.weights.slice();
  weights.fill(0, m + mColumns, m + 2 * mColumns);
  const rates = await startRates(engine, { ...net, weights }, shape, new Rng(1));
  const others = [0, 2, 3, 4].reduce((sum, c) => sum + rates[c]!, 0) / 4;
  expect(rates[1]).toBeCloseTo(others, 5);
});

test('from coarse to fine every step is bold in levels of its own', () => {
  const levels = [2, 1, 3].map((channels, k) => ({ ...spec.levels[0]!, cell: [8 >> k, 8 >> k], channels }));
  const even = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const rates = coarseToFine({ ...spec, levels }, even, 3);
  const bold = even.map((rate) => 3 * rate);
  const shy = even.map((rate) => 0.1 * rate);
  expect([...rates.subarray(0, 6)]).toEqual([...bold.subarray(0, 2), ...shy.subarray(2)]);
  expect([...rates.subarray(6, 12)]).toEqual([...shy.subarray(0, 2), bold[2], ...shy.subarray(3)]);
  expect([...rates.subarray(12)]).toEqual([...shy.subarray(0, 3), ...bold.subarray(3)]);
  // Two steps share three levels.
  expect(
    [...coarseToFine({ ...spec, levels }, even, 2)].filter((rate, i) => rate > even[i % 6]!),
  ).toHaveLength(6);
});
