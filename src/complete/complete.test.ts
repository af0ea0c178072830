import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dataset } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import { kindsThat } from '../../prior/kinds.ts';
import { Rng } from '../core/rng.ts';
import { psnrDb } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { adaptSignal } from '../fit/index.ts';
import { openGenerative } from '../models/generative.ts';
import { loadModel } from '../models/index.ts';
import { regionMask } from '../signal/mask.ts';
import type { Signal } from '../signal/signal.ts';
import {
  type CompleteOptions,
  complete,
  completingPriors,
  maskOf,
  observeCoarse,
  observeMasked,
  observePoints,
  shownObservation,
  shownSignals,
  signalsOf,
} from './index.ts';
import { linearise, stencilsOf } from './linearise.ts';

let engine: Engine;
let model: Model;
let data: Dataset;
let signal: Signal;

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  model = await loadModel('fashion-mnist');
  data = await openDataset('fixture-fashion', 'all');
  signal = await data.get(3);
});

afterAll(async () => {
  data.close();
  await engine.close();
});

test('completing takes the priors whose ability it is', () => {
  expect(completingPriors).toEqual(['gaussian', 'diffusion', 'factorized']);
  expect(completingPriors.toSorted()).toEqual(kindsThat('complete').toSorted());
});

const left = regionMask([28, 28], { start: [0, 0], count: [28, 14] }, true);

function hiddenPsnr(values: Float32Array, of: Signal, observed: Uint8Array): number {
  let sum = 0;
  let n = 0;
  for (let p = 0; p < observed.length; p++) {
    if (observed[p] === 1) continue;
    sum += (values[p]! - of.values[p]!) ** 2;
    n++;
  }
  return psnrDb(sum / n);
}

test('a linearised field changes with its modulation as the field does, and its transpose is its adjoint', async () => {
  const { network, card } = model;
  const rng = new Rng(1);
  const m = modulationLength(card.spec, card.shape);
  const phi = Float32Array.from({ length: m }, () => 0.1 * rng.normal());
  const v = Float64Array.from({ length: m }, () => rng.normal());
  const coordinates = Float32Array.from({ length: 80 }, () => 28 * rng.uniform());
  const where = { coordinates, stencils: stencilsOf(network, card.shape, coordinates) };
  const field = await linearise(engine, network, card.shape, where, phi);
  const along = new Float64Array(field.values.length);
  field.apply(v, along);
  const at = (share: number) =>
    engine.evaluate(
      network,
      card.shape,
      phi.map((value, i) => value + share * v[i]!),
      { kind: 'list', coordinates },
    );
  const [above, below] = [await at(2e-3), await at(-2e-3)];
  const largest = Math.max(...along.map(Math.abs));
  for (let i = 0; i < along.length; i++) {
    expect(Math.abs((above[i]! - below[i]!) / 4e-3 - along[i]!)).toBeLessThan(0.01 * largest);
  }
  const r = Float64Array.from(along, () => rng.normal());
  const back = new Float64Array(m);
  field.pullBack(r, back);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  expect(dot(back, v)).toBeCloseTo(dot(r, along), 6);
});

describe('a hidden half', () => {
  test('comes back at least 3 dB better than by adaptation alone', async () => {
    let gain = 0;
    const items = [3, 12, 21];
    for (const i of items) {
      const item = await data.get(i);
      const { completed } = await complete({ model, engine }, observeMasked(item, left), { draws: 0 });
      const weights = Float32Array.from(left.observed);
      const alone = await adaptSignal(engine, model.network, { ...item, weights }, model.card.outputs, {
        steps: 3,
      });
      const field = await engine.evaluate(model.network, [28, 28], alone.modulations, coveringGrid([28, 28]));
      gain += hiddenPsnr(completed.values, item, left.observed);
      gain -= hiddenPsnr(
        field.map((value) => value + 0.5),
        item,
        left.observed,
      );
    }
    expect(gain / items.length).toBeGreaterThan(3);
  });

  test('is uncertain where it is hidden, and draws agree with what is known', async () => {
    const found = await complete({ model, engine }, observeMasked(signal, left), { draws: 6, seed: 4 });
    expect(found.draws).toHaveLength(6);
    const mean = (known: 0 | 1) => {
      const values = found.spread!.deviation.values.filter((_, p) => left.observed[p] === known);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(mean(0)).toBeGreaterThan(2 * mean(1));
    expect(found.observedPsnrDb).toBeGreaterThan(25);
    const hidden = Uint8Array.from(left.observed, (known) => 1 - known);
    for (const { values } of found.draws) expect(hiddenPsnr(values, signal, hidden)).toBeGreaterThan(22);
    const again = await complete({ model, engine }, observeMasked(signal, left), { draws: 2, seed: 4 });
    expect(again.draws.map(({ values }) => values)).toEqual(
      found.draws.slice(0, 2).map(({ values }) => values),
    );
    const shown = shownSignals(observeMasked(signal, left), found, model.card.outputs);
    expect(signalsOf(found)).toHaveLength(9);
    expect(shown).toHaveLength(10);
    expect(shown[0]!.values[14 * 28]).toBe(0.5);
  });
});

test('a signal that is known everywhere comes back as it is', async () => {
  const { completed, spread } = await complete({ model, engine }, observeMasked(signal), { draws: 1 });
  expect(hiddenPsnr(completed.values, signal, new Uint8Array(784))).toBeGreaterThan(25);
  expect(spread).toBeUndefined();
});

test('points between samples and means over pieces are known as well', async () => {
  const rng = new Rng(2);
  const coordinates = Float32Array.from({ length: 600 }, () => 28 * rng.uniform());
  const whole = await complete({ model, engine }, observeMasked(signal), { draws: 0 });
  const values = await engine.evaluate(model.network, [28, 28], whole.modulations[0]!, {
    kind: 'list',
    coordinates,
  });
  const table = new Float32Array(900);
  for (let p = 0; p < 300; p++) {
    table.set([coordinates[2 * p]!, coordinates[2 * p + 1]!, values[p]! + 0.5], 3 * p);
  }
  const scattered = observePoints([28, 28], 1, { shape: [300, 3], data: table });
  const fromPoints = await complete({ model, engine }, scattered, { draws: 0, size: { factor: 1 } });
  expect(hiddenPsnr(fromPoints.completed.values, whole.completed, new Uint8Array(784))).toBeGreaterThan(19);

  const means = new Float32Array(49);
  const places = gridPositions(coveringGrid([28, 28]));
  for (let p = 0; p < 784; p++) {
    means[Math.floor(places[2 * p]! / 4) * 7 + Math.floor(places[2 * p + 1]! / 4)]! += signal.values[p]! / 16;
  }
  const coarse = observeCoarse([28, 28], { id: 'coarse', shape: [7, 7], channels: 1, values: means });
  expect(shownObservation(coarse, model.card.outputs).values[0]).toBeCloseTo(means[0]!, 6);
  const finer = await complete({ model, engine }, coarse, { draws: 0 });
  expect(finer.observedPsnrDb).toBeGreaterThan(30);
  const blurred = new Float32Array(784).map(
    (_, p) => shownObservation(coarse, model.card.outputs).values[p]!,
  );
  const gain =
    hiddenPsnr(finer.completed.values, signal, new Uint8Array(784)) -
    hiddenPsnr(blurred, signal, new Uint8Array(784));
  expect(gain).toBeGreaterThan(1);
});

describe('what cannot be completed says why', () => {
  const nothing = maskOf({ shape: [28, 28], values: new Float32Array(784) });
  test.each([
    [
      'a mask of another shape',
      () => observeMasked(signal, maskOf({ shape: [7, 7], values: new Float32Array(49) })),
      'mask-shape',
    ],
    ['nothing observed', () => observeMasked(signal, nothing), 'no-observed-points'],
    ['a region outside', () => regionMask([28, 28], { start: [0, 20], count: [28, 14] }), 'bad-region'],
    [
      'a point outside',
      () => observePoints([28, 28], 1, { shape: [1, 3], data: [3, 29, 1] }),
      'points-outside',
    ],
    [
      'a table without values',
      () => observePoints([28, 28], 1, { shape: [1, 2], data: [3, 9] }),
      'points-shape',
    ],
    ['a finer version', () => observeCoarse([28, 28], { ...signal, shape: [56, 14] }), 'coarse-shape'],
  ])('%s', (_, observe, code) => {
    expect(observe).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    [{ prior: 'autoregressive' }, 'prior-cannot-complete'],
    [{ prior: 'nonsense' }, 'unknown-prior'],
    [{ draws: 65 }, 'bad-draws'],
    [{ noise: 0 }, 'bad-noise'],
  ])('options %o: %s', async (options, code) => {
    await expect(
      complete({ model, engine }, observeMasked(signal), options as CompleteOptions),
    ).rejects.toMatchObject({ code });
  });

  test('a model without such a prior, and a signal of another size', async () => {
    const bare = { ...model, path: undefined };
    const asked = { prior: 'gaussian' } as const;
    await expect(complete({ model: bare, engine }, observeMasked(signal), asked)).rejects.toMatchObject({
      code: 'prior',
    });
    const small = { ...signal, shape: [14, 56] };
    await expect(complete({ model, engine }, observeMasked(small), asked)).rejects.toMatchObject({
      code: 'observed-shape',
    });
  });
});

test('what comes from the prior surprises it by about one, and what does not by more', async () => {
  const { card } = model;
  const prior = await openGenerative(model, 'gaussian');
  const rng = new Rng(2);
  const surpriseOf = async (of: Signal) =>
    (await complete({ model, engine }, observeMasked(of, left), { draws: 0 })).surprise!;
  const own: number[] = [];
  for (const modulation of prior.sample({ count: 6, seed: 4 })) {
    const field = await engine.evaluate(model.network, card.shape, modulation, coveringGrid(card.shape));
    const values = field.map(
      (v) => card.outputs[0]!.offset + card.outputs[0]!.scale * (v + 0.04 * rng.normal()),
    );
    own.push(await surpriseOf({ ...signal, values }));
  }
  const mean = own.reduce((sum, s) => sum + s, 0) / own.length;
  expect(mean).toBeGreaterThan(0.7);
  expect(mean).toBeLessThan(1.5);
  const noise = await surpriseOf({ ...signal, values: signal.values.map(() => rng.uniform()) });
  expect(noise).toBeGreaterThan(4 * mean);
  const [one] = prior.sample({ count: 1, seed: 1 });
  expect(one).toHaveLength(prior.mean.length);
  const by = await complete({ model, engine }, observeMasked(signal, left), { draws: 0, own: prior });
  expect(by.prior).toBe('own');
  await expect(
    complete({ model, engine }, observeMasked(signal, left), { own: prior, prior: 'gaussian' }),
  ).rejects.toMatchObject({ code: 'one-prior' });
});
