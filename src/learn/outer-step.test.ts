import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { openReference } from '../engine/reference/reference.ts';
import { channelRms } from '../field/channels.ts';
import { initialWeights } from '../field/initialise.ts';
import { channelOfEach, modulationLayout } from '../field/layout.ts';
import { modulationLength, weightLayout } from '../field/spec.ts';
import { massOf } from '../fit/batch.ts';
import { dequantiseByChannel, LogisticRate } from '../fit/rate.ts';
import { startRates } from '../fit/start-rates.ts';
import { BatchDrawer } from './draw.ts';
import { allFinite, boundsOf, OuterStepper, type Prices, phaseAt } from './outer-step.ts';
import type { TrainingRecipe } from './recipe.ts';
import { smoothingNoise } from './smooth.ts';
import { freshState, groupNames, type Learnt, learntFrom, mapLearnt, parametersAt } from './state.ts';
import { linearPrice, tinyRecipe, tinySpec, waves } from './testing.ts';

const engine = await openReference();
const shape = [6, 7];
const recipe = tinyRecipe({
  shape,
  steps: 10,
  phases: { distortion: 2, rounded: 3, coded: 0 },
  optimiser: { clipNorm: 0 },
  quality: { lowest: 40, highest: 70, groups: 2, balance: 0.5 },
});

async function learntStart(): Promise<Learnt> {
  const rng = new Rng(4);
  const weights = initialWeights(tinySpec, () => rng.uniform());
  const net = { spec: tinySpec, weights, rates: new Float32Array(5) };
  const rates = await startRates(engine, net, shape, rng);
  const parameters = {
    weights: Float64Array.from(weights),
    logRates: Float64Array.from(rates, Math.log),
    logSteps: Float64Array.from({ length: 5 }, () => -1.5 + 0.3 * rng.normal()),
    logScales: Float64Array.from({ length: 5 }, () => -1 + 0.3 * rng.normal()),
  };
  return learntFrom(parameters, false);
}

const start = await learntStart();
const draw = async (r: TrainingRecipe, step: number): Promise<Batch> => {
  const options = { shape, count: r.batch, seed: 1, range: r.values, crops: false, flips: [] };
  return new BatchDrawer(waves(9, shape), options).draw(step);
};

async function run(
  r: TrainingRecipe,
  learnt: Learnt,
  step: number,
  batch: Batch,
  on: Engine = engine,
  prices?: Prices,
) {
  const state = freshState(r, learnt, true);
  state.step = step;
  const stepper = new OuterStepper(on, r, state, prices);
  const figures = await stepper.run(state, batch);
  return { state, figures };
}

/** An engine that keeps the modulations that the last meta-gradient was asked at. */
function watch() {
  let last = new Float32Array();
  const watched: Engine = {
    ...engine,
    async metaGradient(net, given, adapted, outer, options) {
      last = adapted.trajectory.slice();
      return engine.metaGradient(net, given, adapted, outer, options);
    },
  };
  return { engine: watched, decoded: () => last };
}

/** A batch with a missing point, so that masses matter. */
async function maskedBatch(): Promise<Batch> {
  const batch = await draw(recipe, 0);
  const weights = new Float32Array(recipe.batch * 42).fill(1);
  weights[3] = 0;
  weights[50] = 2.5;
  return { ...batch, weights };
}

test.each([
  ['distortion alone', 0, recipe],
  ['noise and rate', 4, recipe],
  ['large modulations cost', 0, tinyRecipe({ ...recipe, smooth: { noise: 0, shrink: 3 } })],
] as const)(
  'gradients of all parameters agree with finite differences of the loss: %s',
  async (_name, step, recipe) => {
    const batch = await maskedBatch();
    const { state } = await run(recipe, start, step, batch);
    const entries = groupNames.flatMap((name, g) => {
      if (state.adam.moments[g]!.count === 0) return [];
      const stride = name === 'weights' ? 17 : 1;
      const { m } = state.adam.moments[g]!;
      return Array.from({ length: Math.ceil(m.length / stride) }, (_, k) => ({
        name,
        at: k * stride,
        m: m[k * stride]!,
      }));
    });
    expect(new Set(entries.map(({ name }) => name)).size).toBe(step === 0 ? 2 : 4);
    for (const { name, at, m } of entries) {
      const got = m / (1 - recipe.optimiser.beta1);
      const lossAt = async (shift: number) => {
        const moved = { ...start, [name]: start[name].slice() };
        // Weights are float32 for engines: the shift is what remains of it there.
        const value = name === 'weights' ? Math.fround(start[name][at]! + shift) : start[name][at]! + shift;
        moved[name][at] = value;
        const { figures } = await run(recipe, moved, step, batch);
        return [value, figures.loss] as const;
      };
      const [above, high] = await lossAt(5e-4);
      const [below, low] = await lossAt(-5e-4);
      const want = (high - low) / (above - below);
      expect(Math.abs(got - want), `${name}[${at}]: ${got} and ${want}`).toBeLessThan(
        2e-3 * (Math.abs(want) + 0.2),
      );
    }
  },
);

test('learning for generation measures distortion at noisy modulations, the same noise for the same step', async () => {
  const noisy = tinyRecipe({ ...recipe, smooth: { noise: 0.3, shrink: 0 } });
  const batch = await draw(recipe, 0);
  const mseOf = async (r: TrainingRecipe, step: number) => (await run(r, start, step, batch)).figures.mse;
  const [clean, first, again, second] = [
    await mseOf(recipe, 0),
    await mseOf(noisy, 0),
    await mseOf(noisy, 0),
    await mseOf(noisy, 1),
  ];
  expect(first).not.toBe(clean);
  expect(again).toBe(first);
  expect(second).not.toBe(first);
});

test('smoothing noise is a share of the size of each channel', () => {
  const layout = modulationLayout(tinySpec, shape);
  const rng = new Rng(2);
  const channelOf = channelOfEach(layout);
  const modulations = Float32Array.from({ length: 2000 * layout.length }, (_, i) => {
    return 10 ** channelOf[i % layout.length]! * rng.normal();
  });
  const noise = new Float32Array(modulations.length);
  smoothingNoise(layout, modulations, { noise: 0.1, shrink: 0 }, rng, noise);
  const sizes = channelRms(layout, modulations);
  channelRms(layout, noise).forEach((rms, c) => {
    expect(rms / sizes[c]!).toBeCloseTo(0.1, 2);
  });
});

/** `start` with slopes that are not zero. */
function sloped(): Learnt {
  const rng = new Rng(7);
  const zeros = learntFrom(start, true);
  return mapLearnt((name) => zeros[name].map((x) => (name.endsWith('Slope') ? 0.05 * rng.normal() : x)));
}

test.each([
  ['one network for all qualities', start],
  ['slopes', sloped()],
])('gradients of the coded phase are those of the loss at fixed symbols: %s', async (_, start) => {
  const coded = tinyRecipe({
    ...recipe,
    phases: { distortion: 0, rounded: 0, coded: 10 },
    coded: { refineTurns: 3, roundTurns: 3, priced: false },
    quality: { lowest: 60, highest: 60, groups: 1, balance: 1, slopes: start.weightsSlope.length > 0 },
  });
  const batch = await maskedBatch();
  const watched = watch();
  const { state, figures } = await run(coded, start, 0, batch, watched.engine);
  const decoded = watched.decoded();
  const layout = modulationLayout(tinySpec, shape);
  const channelOf = channelOfEach(layout);
  const m = 2 ** -1;
  const stepsOf = (learnt: Learnt) => parametersAt(learnt, 1).logSteps.map((s) => m * Math.exp(s));
  const before = stepsOf(start);
  const symbols = Int32Array.from(decoded, (x, i) => Math.round(x / before[channelOf[i % layout.length]!]!));
  expect(symbols.some((k) => k !== 0)).toBe(true);
  const { values, points } = massOf(batch);
  const lossAt = async (learnt: Learnt) => {
    const x = new Float32Array(symbols.length);
    dequantiseByChannel(layout, symbols, stepsOf(learnt), x);
    const { weights, logSteps, logScales } = parametersAt(learnt, 1);
    const net = { spec: tinySpec, weights: Float32Array.from(weights), rates: new Float32Array(5) };
    const { losses } = await engine.gradient(net, batch, x);
    const nats = new LogisticRate(layout).measure(x, logSteps, logScales, m);
    const mse255 = (255 ** 2 * 2 * losses.reduce((a, b) => a + b, 0)) / values;
    return m * ((coded.lambda / m ** 2) * mse255 + nats / Math.LN2 / points);
  };
  expect(figures.loss).toBeCloseTo(await lossAt(start), 4);
  for (const [g, name] of groupNames.entries()) {
    const { m: first } = state.adam.moments[g]!;
    for (let at = 0; at < first.length; at += name.startsWith('weights') ? 23 : 1) {
      const got = first[at]! / (1 - coded.optimiser.beta1);
      const moved = (e: number) => ({ ...start, [name]: start[name].map((x, i) => (i === at ? x + e : x)) });
      const want = ((await lossAt(moved(1e-3))) - (await lossAt(moved(-1e-3)))) / 2e-3;
      expect(Math.abs(got - want), `${name}[${at}]: ${got} and ${want}`).toBeLessThan(
        2e-3 * (Math.abs(want) + 0.2),
      );
    }
  }
});

test('symbols of the coded phase are chosen by the prices that are given, at the quality of the group', async () => {
  const coded = tinyRecipe({
    ...recipe,
    phases: { distortion: 0, rounded: 0, coded: 10 },
    coded: { refineTurns: 1, roundTurns: 20, priced: true },
    quality: { lowest: 60, highest: 60, groups: 1, balance: 1 },
  });
  const asked: number[] = [];
  const dear: Prices = {
    id: 'all but zero is dear',
    at: (quality) => {
      asked.push(quality);
      return linearPrice(1e6);
    },
  };
  const watched = watch();
  await run(coded, start, 0, await draw(coded, 0), watched.engine, dear);
  const decoded = watched.decoded();
  expect(asked).toEqual([60]);
  expect(decoded.length).toBeGreaterThan(0);
  expect(decoded.every((x) => x === 0)).toBe(true);
});

test('phases follow one another', () => {
  const phased = tinyRecipe({ ...recipe, phases: { distortion: 2, rounded: 3, coded: 1 } });
  expect([0, 1, 2, 5, 6, 8, 9].map((step) => phaseAt(phased, step))).toEqual([
    'distortion',
    'distortion',
    'noise',
    'noise',
    'rounded',
    'rounded',
    'coded',
  ]);
});

test('distortion of the last phase is that of rounded modulations', async () => {
  const fixed = tinyRecipe({ ...recipe, quality: { lowest: 50, highest: 50, groups: 1 } });
  const batch = await draw(fixed, 0);
  const { figures } = await run(fixed, start, 8, batch);
  const net = {
    spec: tinySpec,
    weights: Float32Array.from(start.weights),
    rates: Float32Array.from(start.logRates, Math.exp),
  };
  const { trajectory } = await engine.adapt(net, batch, fixed.innerSteps);
  const m = modulationLength(tinySpec, shape);
  const rounded = trajectory.slice(fixed.innerSteps * batch.count * m).map((x, i) => {
    const inSignal = i % m;
    const step = Math.exp(start.logSteps[inSignal < 2 ? inSignal : 2 + ((inSignal - 2) % 3)]!);
    return Math.round(x / step) * step;
  });
  const { losses } = await engine.gradient(net, batch, rounded);
  const mse = losses.reduce((sum, loss) => sum + 2 * loss, 0) / batch.targets.length;
  expect(figures.mse).toBeCloseTo(mse, 6);
});

test('a step whose numbers are not finite changes nothing but its count', async () => {
  const batch = await draw(recipe, 0);
  const broken: Engine = {
    ...engine,
    async metaGradient(...args) {
      const meta = await engine.metaGradient(...args);
      meta.weights[5] = Number.NaN;
      return meta;
    },
  };
  const { state, figures } = await run(recipe, start, 4, batch, broken);
  expect(figures.updated).toBe(false);
  expect(state).toMatchObject({ step: 5, skipped: 1, skippedInRow: 1 });
  for (const name of groupNames) expect(state.learnt[name]).toEqual(start[name]);
  expect(state.adam.moments.every(({ count, m }) => count === 0 && m.every((x) => x === 0))).toBe(true);
});

test('an inner loop that runs away is left out before it reaches the engine again', async () => {
  const batch = await draw(recipe, 0);
  const wild = { ...start, logRates: start.logRates.map(() => 88) };
  const { figures } = await run(recipe, wild, 0, batch);
  expect(figures.updated).toBe(false);
});

test('finite numbers are told from others', () => {
  expect(allFinite(Float32Array.of(1, -3e38, 0))).toBe(true);
  expect(allFinite(Float32Array.of(1, Number.NaN))).toBe(false);
  expect(allFinite(Float32Array.of(Number.NEGATIVE_INFINITY, 1))).toBe(false);
});

test('in the coded phase of pictures what is whiter than white is no error of white', async () => {
  const batch = await draw(recipe, 0);
  const white = { ...batch, targets: new Float32Array(batch.targets.length).fill(0.5) };
  const bright = { ...start, weights: start.weights.slice() };
  bright.weights[weightLayout(tinySpec).bo] = 0.6;
  const stepOf = async (pictures: boolean) => {
    const coded = tinyRecipe({
      ...recipe,
      phases: { distortion: 0, rounded: 0, coded: 10 },
      coded: { refineTurns: 1, roundTurns: 4, priced: false, pictures },
    });
    const asked: Float32Array[] = [];
    const watched: Engine = {
      ...engine,
      async metaGradient(net, given, adapted, outer, options) {
        if (adapted.losses.length === 0) asked.push(given.targets.slice());
        return engine.metaGradient(net, given, adapted, outer, options);
      },
    };
    const { figures } = await run(coded, bright, 0, white, watched);
    return { loss: figures.loss, targets: asked.flatMap((own) => [...own]) };
  };
  const [clipped, plain] = [await stepOf(true), await stepOf(false)];
  expect(plain.targets.every((target) => target === 0.5)).toBe(true);
  expect(clipped.targets.length).toBe(plain.targets.length);
  expect(clipped.targets.every((target) => target >= 0.5)).toBe(true);
  expect(clipped.targets.some((target) => target > 0.52)).toBe(true);
  expect(clipped.loss).toBeLessThan(plain.loss);
});

test('what a decoder clips is beyond the ends of the range, wherever it begins', () => {
  expect(boundsOf({ offset: 0.5, scale: 1, peak: 1 })).toEqual([-0.5, 0.5]);
  // Distances: inside is below 0, and no end of the range.
  expect(boundsOf({ offset: 0, scale: 0.25, low: -0.125, peak: 0.25 })).toEqual([-0.5, 0.5]);
  expect(boundsOf({ offset: 0, scale: 0.5, low: -1, peak: 2 })).toEqual([-2, 2]);
});
