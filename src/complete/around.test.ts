import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import type { Diffusion, Levels, RenewOptions } from '../../prior/diffusion/index.ts';
import { tokenLayout } from '../../prior/train/tokens.ts';
import { psnrDb } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { modulationLayout } from '../field/layout.ts';
import { toField } from '../field/outputs.ts';
import { loadModel } from '../models/index.ts';
import { regionMask } from '../signal/mask.ts';
import type { Signal } from '../signal/signal.ts';
import { toSignalValues } from '../signal/values.ts';
import { drawAround } from './around.ts';
import { meanGiven } from './given.ts';
import { observeMasked } from './index.ts';
import { sharesSeen } from './known.ts';
import { stencilsOf } from './linearise.ts';

const model = await loadModel('fashion-mnist-samples');
const { card, network } = model;
const layout = modulationLayout(card.spec, card.shape);
const tokens = tokenLayout(layout);
const m = layout.length;
const deviation = 0.05;

let engine: Engine;
let signal: Signal;

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  const data = await openDataset('fixture-fashion', 'all');
  signal = await data.get(3);
  data.close();
});

afterAll(() => engine.close());

/** Numbers by themselves, from N(0, deviation^2), at levels of tokens. */
const plain = {
  tokens,
  tokenLevels: true,
  scale: new Float32Array(m).fill(deviation),
  standardise: (values: Float32Array) => values.map((value) => value / deviation),
  unstandardise: (z: Float32Array) => z.map((value) => value * deviation),
  denoise: (noisy: Float32Array, levels: ArrayLike<number>) =>
    noisy.map((z, i) => z / (1 + levels[tokens.tokenOf[i % m]!]! ** 2)),
  renew: async (noisy: Float32Array, levels: Levels, { streams }: RenewOptions) => {
    const all = levels as ArrayLike<number>;
    return noisy.map((z, i) => {
      const sigma = all[tokens.tokenOf[i % m]!]!;
      const share = 1 / (1 + sigma ** 2);
      return share * z + sigma * Math.sqrt(share) * streams[Math.floor(i / m)]!.normal();
    });
  },
} as unknown as Diffusion;

const left = regionMask([28, 28], { start: [0, 0], count: [28, 14] }, true);

function evidenceOf() {
  const { shape, coordinates, group, values } = observeMasked(signal, left);
  const stencils = stencilsOf(network, shape, coordinates);
  const shares = sharesSeen(tokens, network, { shape, group, stencils });
  return { shape, coordinates, group, values: toField(card.outputs, values), noise: 0.04 ** 2, shares };
}

test('what is known stays in every draw and in the mean, what is hidden is drawn', async () => {
  const { draws, mean } = await drawAround({ model, engine }, plain, undefined, evidenceOf(), {
    count: 3,
    seed: 1,
  });
  const valuesOf = async (modulation: Float32Array) =>
    toSignalValues(
      card,
      await engine.evaluate(network, card.shape, modulation, coveringGrid(card.shape)),
      false,
    );
  const off = (a: ArrayLike<number>, b: ArrayLike<number>, side: number) => {
    let sum = 0;
    for (let p = 0; p < 784; p++) if (left.observed[p] === side) sum += (a[p]! - b[p]!) ** 2;
    return psnrDb(sum / 392);
  };
  const drawn = await Promise.all(draws.map(valuesOf));
  for (const values of [...drawn, await valuesOf(mean)])
    expect(off(values, signal.values, 1)).toBeGreaterThan(22);
  expect(off(drawn[0]!, drawn[1]!, 1)).toBeGreaterThan(25);
  expect(off(drawn[0]!, drawn[1]!, 0)).toBeLessThan(off(drawn[0]!, drawn[1]!, 1) - 5);
});

test('the first draws of more are those of fewer, and a stop ends them', async () => {
  const draw = (count: number, abort?: AbortSignal) =>
    drawAround({ model, engine }, plain, undefined, evidenceOf(), { count, seed: 1, signal: abort });
  const [one, two] = [await draw(1), await draw(2)];
  // Engines fit several signals at once in another order of additions.
  two.draws[0]!.forEach((value, i) => {
    expect(value).toBeCloseTo(one.draws[0]![i]!, 4);
  });
  await expect(draw(1, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
});

test('a normal prior given a number: the mean of the others moves by their covariance', async () => {
  // phi = F x, F = [[1, 0], [0.6, 0.8]]: variances 1, covariance 0.6.
  const normal = {
    mean: Float32Array.of(1, 2),
    length: 2,
    spread: (x: Float64Array, out: Float64Array) => out.set([x[0]!, 0.6 * x[0]! + 0.8 * x[1]!]),
    gather: (v: Float64Array, out: Float64Array) => out.set([v[0]! + 0.6 * v[1]!, 0.8 * v[1]!]),
  };
  const variance = 0.25;
  const given = await meanGiven(normal, Float32Array.of(3, 9), Float64Array.of(1 / variance, 0));
  expect(given[0]!).toBeCloseTo(1 + 2 / (1 + variance), 4);
  expect(given[1]!).toBeCloseTo(2 + (0.6 * 2) / (1 + variance), 4);
});
