import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openEngine } from '../engine/index.ts';
import { openReference } from '../engine/reference/reference.ts';
import { atQuality } from '../field/at-quality.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { channelOfEach, modulationLayout } from '../field/layout.ts';
import { readModel } from '../field/model.ts';
import { linearPrice, tinyRecipe, tinySpec, waves } from '../learn/testing.ts';
import { train } from '../learn/trainer.ts';
import { adaptBatch, rateTerm } from './adapt.ts';
import { batchOf } from './batch.ts';
import { logisticNats } from './rate.ts';
import { moveOn, roundBatch } from './round.ts';

const engine = await openReference();
const shape = [8, 8];
const recipe = tinyRecipe({ steps: 40, phases: { distortion: 30, rounded: 0, coded: 0 } });
const { network, steps, scales } = await train({ engine, source: waves(10), recipe });
const source = waves(3, shape, 5);
const signals = Array.from({ length: 3 }, (_, i) => {
  const values = new Float32Array(64);
  source.fill(i, { start: [0, 0], count: shape }, values);
  return { shape, values };
});
const batch = batchOf(signals, 1, recipe.values);
const { modulations } = await adaptBatch(engine, network, batch, { steps: 2 });
const rate = rateTerm({ lambda: recipe.lambda, values: recipe.values, steps, scales }, batch, 40);
const channelOf = channelOfEach(modulationLayout(tinySpec, shape));
const m = channelOf.length;
const stepOf = (i: number) => rate.steps[channelOf[i % m]!]!;

test('one turn rounds every number to the nearest multiple of its step', async () => {
  const { symbols } = await roundBatch(engine, network, batch, modulations, { rate, turns: 1 });
  symbols.forEach((symbol, i) => {
    expect(symbol).toBe(Math.floor(modulations[i]! / stepOf(i) + 0.5));
  });
});

test('more turns lower the objective of every signal, and it is what symbols say it is', async () => {
  const nearest = await roundBatch(engine, network, batch, modulations, { rate, turns: 1 });
  let before = nearest.objectives;
  for (const turns of [3, 10, 30]) {
    const { symbols, losses, objectives } = await roundBatch(engine, network, batch, modulations, {
      rate,
      turns,
    });
    objectives.forEach((objective, s) => {
      expect(objective).toBeLessThanOrEqual(before[s]!);
    });
    const rounded = Float32Array.from(symbols, (symbol, i) => symbol * stepOf(i));
    (await engine.gradient(network, batch, rounded)).losses.forEach((loss, s) => {
      expect(losses[s]! / loss).toBeCloseTo(1, 5);
    });
    objectives.forEach((objective, s) => {
      let want = losses[s]!;
      for (let i = s * m; i < (s + 1) * m; i++) {
        const c = channelOf[i % m]!;
        want += rate.weight * logisticNats(rounded[i]!, rate.steps[c]!, rate.scales[c]!);
      }
      expect(objective).toBeCloseTo(want, 5);
    });
    before = objectives;
  }
  const sum = (of: Float64Array) => of.reduce((a, b) => a + b, 0);
  expect(sum(before)).toBeLessThan(0.95 * sum(nearest.objectives));
});

test('prices that are given decide: what costs nothing is rounded for error alone, what costs much becomes zero', async () => {
  const at = (nats: number) =>
    roundBatch(engine, network, batch, modulations, {
      rate,
      turns: 20,
      price: linearPrice(nats),
    });
  const free = await at(0);
  const nearest = await roundBatch(engine, network, batch, modulations, { rate, turns: 1 });
  free.losses.forEach((loss, s) => {
    expect(loss).toBeLessThanOrEqual(nearest.losses[s]!);
    expect(free.objectives[s]).toBe(loss);
  });
  expect((await at(1e6)).symbols.every((symbol) => symbol === 0)).toBe(true);
});

test('a channel that the logistics expect nothing of stays at zero', async () => {
  const quiet = 3;
  const scales = Float64Array.from(rate.steps, (step, c) => (c === quiet ? step / 60 : step));
  const start = modulations.slice();
  for (let i = 0; i < start.length; i++) if (channelOf[i % m] === quiet) start[i] = 2.2 * stepOf(i);
  const options = { rate: { ...rate, scales }, price: linearPrice(0.01), turns: 2 };
  const rounded = await roundBatch(engine, network, batch, start, options);
  const { symbols } = await moveOn(engine, network, batch, rounded, { moves: 4 });
  expect(symbols.some((symbol, i) => symbol !== 0 && channelOf[i % m] !== quiet)).toBe(true);
  expect(symbols.every((symbol, i) => symbol === 0 || channelOf[i % m] !== quiet)).toBe(true);
});

test('white is met by what is whiter: with bounds the decoded error is smaller, and moves keep it', async () => {
  const bytes = await readFile(new URL('../../models/photos/model.safetensors', import.meta.url));
  const quality = 50;
  const { card, network, steps, tensors } = atQuality(readModel(new Uint8Array(bytes)), quality);
  const size = 32;
  const half = Float32Array.from({ length: size * size * 3 }, (_, i) =>
    i % (3 * size) < 1.5 * size ? 1 : (i % 7) / 9,
  );
  const one = batchOf([{ shape: [size, size], values: half }], 3, card.outputs);
  const scales = tensors.get('learn.scales')!.data as Float32Array;
  const rate = rateTerm(
    { lambda: card.training.lambda, values: { ...card.outputs[0]!, peak: 1 }, steps, scales },
    one,
    quality,
  );
  const fast = await openEngine();
  try {
    const { modulations } = await adaptBatch(fast, network, one, { steps: 3 });
    const channelOf = channelOfEach(modulationLayout(network.spec, one.shape));
    const clippedObjective = async (bounds?: readonly [number, number], moves = 0) => {
      const descended = await roundBatch(fast, network, one, modulations, { rate, turns: 6, bounds });
      const { symbols, objectives } =
        moves === 0 ? descended : await moveOn(fast, network, one, descended, { moves });
      const rounded = Float32Array.from(symbols, (symbol, i) => symbol * rate.steps[channelOf[i]!]!);
      const values = await fast.evaluate(network, one.shape, rounded, coveringGrid(one.shape));
      const loss = values.reduce(
        (sum, value, i) => sum + (one.targets[i]! - Math.min(0.5, Math.max(-0.5, value))) ** 2 / 2,
        0,
      );
      const nats = symbols.reduce((sum, symbol, i) => {
        const c = channelOf[i]!;
        return sum + logisticNats(symbol * rate.steps[c]!, rate.steps[c]!, rate.scales[c]!);
      }, 0);
      return { found: loss + rate.weight * nats, said: objectives[0]! };
    };
    const bounds = [-0.5, 0.5] as const;
    const without = await clippedObjective();
    const within = await clippedObjective(bounds);
    const moved = await clippedObjective(bounds, 12);
    expect(within.said / within.found).toBeCloseTo(1, 3);
    expect(within.found).toBeLessThan(without.found);
    expect(moved.found).toBeLessThanOrEqual(within.found * 1.0001);
  } finally {
    await fast.close();
  }
});

test('moves by true gradients find what the linear field of a strongly bent network does not see', async () => {
  const bytes = await readFile(new URL('../../models/cifar10/model.safetensors', import.meta.url));
  const quality = 42;
  const { card, network, steps, tensors } = atQuality(readModel(new Uint8Array(bytes)), quality);
  const one = batchOf([{ shape: [32, 32], values: texture(32) }], 3, card.outputs);
  const scales = tensors.get('learn.scales')!.data as Float32Array;
  const values = { ...card.outputs[0]!, peak: 1 };
  const rate = rateTerm({ lambda: card.training.lambda, values, steps, scales }, one, quality);
  const fast = await openEngine();
  try {
    const { modulations } = await adaptBatch(fast, network, one, { steps: 3 });
    const after = (turns: number) => roundBatch(fast, network, one, modulations, { rate, turns });
    const [nearest, descended] = [await after(1), await after(12)];
    const moved = await moveOn(fast, network, one, descended, { moves: 30 });
    expect(descended.objectives[0]).toBeLessThan(0.95 * nearest.objectives[0]!);
    expect(moved.objectives[0]).toBeLessThan(descended.objectives[0]!);
  } finally {
    await fast.close();
  }
});

test('a network without inner steps starts from zero symbols, and ends where the error is small', async () => {
  const start = new Float32Array(modulations.length);
  const nothing = await roundBatch(engine, network, batch, start, { rate, turns: 1 });
  const found = await roundBatch(engine, network, batch, start, { rate, turns: 8 });
  found.objectives.forEach((objective, s) => {
    expect(objective).toBeLessThan(nothing.objectives[s]!);
  });
});

/** [size, size, 3] waves of all directions and colours. */
function texture(size: number): Float32Array {
  const rng = new Rng(3);
  const waves = Array.from({ length: 24 }, () => ({
    y: 0.5 * rng.normal(),
    x: 0.5 * rng.normal(),
    phase: 6 * rng.uniform(),
    colour: [0, 1, 2].map(() => 0.03 + 0.06 * rng.normal()),
  }));
  return Float32Array.from({ length: size * size * 3 }, (_, i) => {
    const point = Math.floor(i / 3);
    const [y, x] = [Math.floor(point / size), point % size];
    const value = waves.reduce(
      (sum, w) => sum + w.colour[i % 3]! * Math.sin(w.y * y + w.x * x + w.phase),
      0.5,
    );
    return Math.min(1, Math.max(0, value));
  });
}

test('the same input gives the same symbols, alone or in a batch', async () => {
  const symbolsOf = async (of: typeof batch, start: Float32Array) => {
    const rounded = await roundBatch(engine, network, of, start, { rate, turns: 8, passing: [1, 3] });
    const { symbols } = await moveOn(engine, network, of, rounded, { moves: 4 });
    return [...rounded.passed, rounded.symbols, symbols];
  };
  const together = await symbolsOf(batch, modulations);
  expect(await symbolsOf(batch, modulations)).toEqual(together);
  const alone = await symbolsOf(batchOf([signals[1]!], 1, recipe.values), modulations.slice(m, 2 * m));
  expect(alone).toEqual(together.map((symbols) => symbols.slice(m, 2 * m)));
});

test('symbols that are passed are those of as many turns, and moves leave what they start from as it is', async () => {
  const turns = [1, 2, 4, 30];
  const rounded = await roundBatch(engine, network, batch, modulations, {
    ...{ rate, turns: turns.at(-1)!, passing: turns.slice(0, -1) },
  });
  const stages = [...rounded.passed, rounded.symbols];
  for (const [i, count] of turns.entries()) {
    const { symbols } = await roundBatch(engine, network, batch, modulations, { rate, turns: count });
    expect(stages[i]).toEqual(symbols);
  }
  const before = rounded.symbols.slice();
  const moved = await moveOn(engine, network, batch, rounded, { moves: 20 });
  expect(rounded.symbols).toEqual(before);
  moved.objectives.forEach((objective, s) => {
    // Both are sums of float32, of other kernels.
    expect(objective).toBeLessThanOrEqual(rounded.objectives[s]! * (1 + 1e-6));
  });
});

test('no turns are refused', async () => {
  const call = roundBatch(engine, network, batch, modulations, { rate, turns: 0 });
  await expect(call).rejects.toMatchObject({ code: 'turns' });
});
