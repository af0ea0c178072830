import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import type { Diffusion } from '../../prior/diffusion/index.ts';
import { Rng } from '../core/rng.ts';
import { psnrDb } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { toField } from '../field/outputs.ts';
import { modulationLength } from '../field/spec.ts';
import { loadModel } from '../models/index.ts';
import { regionMask } from '../signal/mask.ts';
import type { Signal } from '../signal/signal.ts';
import { drawChains } from './chains.ts';
import { complete, observeMasked } from './index.ts';
import { findPosterior, type Normal } from './posterior.ts';

let engine: Engine;
let signal: Signal;

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  const data = await openDataset('fixture-fashion', 'all');
  signal = await data.get(3);
  data.close();
});

afterAll(() => engine.close());

const left = regionMask([28, 28], { start: [0, 0], count: [28, 14] }, true);

/** N(0, deviation^2 I). */
function plainNormal(m: number, deviation: number): Normal {
  const scaled = (v: Float64Array, out: Float64Array) => out.set(v.map((x) => deviation * x));
  return { mean: new Float32Array(m), length: m, spread: scaled, gather: scaled };
}

/** Every number by itself, from N(0, deviation^2): what z was is known exactly. */
function normalDiffusion(m: number, deviation: number): Diffusion {
  return {
    scale: new Float32Array(m).fill(deviation),
    standardise: (values: Float32Array) => values.map((value) => value / deviation),
    unstandardise: (values: Float32Array) => values.map((value) => value * deviation),
    async renew(noisy, levels, { streams }) {
      const sigma = Number(levels);
      const share = 1 / (1 + sigma ** 2);
      return noisy.map((z, i) => share * z + sigma * Math.sqrt(share) * streams[Math.floor(i / m)]!.normal());
    },
  } as Diffusion;
}

test('a draw that ends early is a draw of the prior where nothing was observed', async () => {
  const { network, card } = await loadModel('fashion-mnist-samples');
  const { shape, coordinates, group, values } = observeMasked(signal, left);
  const evidence = { shape, coordinates, group, values: toField(card.outputs, values), noise: 0.04 ** 2 };
  const m = modulationLength(card.spec, card.shape);
  const deviation = 3;
  const normal = plainNormal(m, deviation);
  const posterior = await findPosterior(engine, network, normal, evidence, { turns: 1, drawTurns: 4 });
  const draws = await Promise.all(Array.from({ length: 4 }, (_, i) => posterior.draw(new Rng(1, i))));
  // Cells of the first column, 8 numbers each: no point of the right half is read there.
  const hidden = draws.flatMap((draw) => [...draw.filter((_, i) => Math.floor(i / 8) % 7 === 0)]);
  const found = Math.sqrt(hidden.reduce((sum, x) => sum + x * x, 0) / hidden.length);
  expect(found / deviation).toBeGreaterThan(0.85);
  expect(found / deviation).toBeLessThan(1.15);
});

test('chains of a prior that is normal draw from its posterior', async () => {
  const { network, card } = await loadModel('fashion-mnist-samples');
  const m = modulationLength(card.spec, card.shape);
  const deviation = 0.05;
  const { shape, coordinates, group, values } = observeMasked(signal, left);
  const noise = 0.04 ** 2;
  const evidence = { shape, coordinates, group, values: toField(card.outputs, values), noise };
  const normal = plainNormal(m, deviation);
  const posterior = await findPosterior(engine, network, normal, evidence, { turns: 8 });
  const exact = await Promise.all(Array.from({ length: 4 }, (_, i) => posterior.draw(new Rng(1, i))));
  const request = { count: 4, seed: 2 };
  const chains = await drawChains({ engine, network }, normalDiffusion(m, deviation), evidence, request);
  const away = (a: Float32Array) =>
    a.reduce((sum, x, i) => sum + (x - posterior.modulation[i]!) ** 2, 0) / m / deviation ** 2;
  const mean = (all: readonly Float32Array[]) => all.reduce((sum, a) => sum + away(a), 0) / all.length;
  expect(mean(chains) / mean(exact)).toBeGreaterThan(0.7);
  expect(mean(chains) / mean(exact)).toBeLessThan(1.4);
});

describe('by the diffusion of a model', () => {
  test('a draw of what is hidden looks like the signal, and draws differ there', async () => {
    const model = await loadModel('fashion-mnist-samples');
    const observation = observeMasked(signal, left);
    const found = await complete({ model, engine }, observation, { prior: 'diffusion', draws: 2 });
    expect(found.prior).toBe('diffusion');
    expect(found.surprise).toBeUndefined();
    expect(found.observedPsnrDb).toBeGreaterThan(25);
    const hiddenDb = ({ values }: Signal) => {
      const squares = values.map((value, p) => (left.observed[p] ? 0 : (value - signal.values[p]!) ** 2));
      return psnrDb(squares.reduce((sum, square) => sum + square, 0) / 392);
    };
    const normal = await complete({ model, engine }, observation, { prior: 'gaussian', draws: 2 });
    for (const [i, draw] of found.draws.entries()) {
      expect(hiddenDb(draw)).toBeGreaterThan(hiddenDb(normal.draws[i]!));
    }
    expect(found.draws[0]!.values).not.toEqual(found.draws[1]!.values);
  });
});
