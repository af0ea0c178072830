import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { quantise, stepsAt } from '../../prior/quantiser.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { atQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import { type Model, readModel } from '../field/model.ts';
import { fitSignals } from '../fit/fit.ts';
import { mirror } from '../learn/index.ts';
import type { Signal } from '../signal/signal.ts';
import { openModulations } from './prior-data.ts';
import { all, makeTinyModel, slopedRecipe } from './testing.ts';
import type { TrainPriorOptions } from './types.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;
let model: Model;
let signals: Signal[];

beforeAll(async () => {
  engine = await openEngine();
  const { card, ...rest } = readModel(await makeTinyModel(engine, slopedRecipe));
  const training = { ...card.training, recipe: JSON.stringify(slopedRecipe) };
  model = { ...rest, card: { ...card, training } };
  signals = await all(await openDataset('fixture-fashion', 'train'));
}, 120_000);

afterAll(() => engine.close());

/** Symbols of what priors would learn from, at the qualities that they stand for. */
async function symbolsOf(options: Partial<TrainPriorOptions>) {
  const data = 'fixture-fashion';
  const { source } = await openModulations(model, { engine, modelPath: '', data, ...options }, true);
  const items = await Promise.all(Array.from({ length: source.length }, (_, i) => source.at(i)));
  return items.map(({ modulation, layout, quality = 0 }) => {
    const symbols = quantise(layout, modulation, stepsAt(model.steps, quality));
    return { quality, symbols };
  });
}

async function fitted(of: readonly Signal[], quality: number, effort: number): Promise<Int32Array[]> {
  const found = await fitSignals(model, engine, of, { quality, effort });
  const layout = modulationLayout(model.card.spec, of[0]!.shape);
  const steps = stepsAt(atQuality(model, quality).steps, quality);
  return found.map(({ symbols, modulation }) => symbols ?? quantise(layout, modulation, steps));
}

describe('what priors learn from', () => {
  it('is spread over the data set', async () => {
    const few = await symbolsOf({ limit: 4, qualities: [50], turns: 1 });
    const n = signals.length;
    const chosen = [1, 3, 5, 7].map((k) => signals[Math.floor((k * n) / 8)]!);
    expect(few.map(({ symbols }) => symbols)).toEqual(await fitted(chosen, 50, 1));
  });

  it('is mirrored when it is taken again', async () => {
    const twice = await symbolsOf({ limit: signals.length, qualities: [50], turns: 2 });
    const first = signals.slice(0, twice.length / 2);
    const flipped = first.map((signal) => {
      const values = signal.values.slice();
      mirror(values, signal.shape, 1, 1);
      return { ...signal, values };
    });
    const found = twice.map(({ symbols }) => symbols);
    const size = Math.min(32, first.length);
    expect(found.slice(0, size)).toEqual(await fitted(first.slice(0, size), 50, 1));
    expect(found.slice(size, 2 * size)).toEqual(await fitted(flipped.slice(0, size), 50, 1));
  });

  it('is what the coder writes at its effort, every other group or always', async () => {
    const options = { limit: 4, effort: 2, qualities: [40] };
    const [plain, coded] = [
      await symbolsOf({ ...options, turns: 1 }),
      await symbolsOf({ ...options, turns: 1, codedOnly: true }),
    ];
    const chosen = [1, 3, 5, 7].map((k) => signals[Math.floor((k * signals.length) / 8)]!);
    expect(plain.map(({ symbols }) => symbols)).toEqual(await fitted(chosen, 40, 1));
    expect(coded.map(({ symbols }) => symbols)).toEqual(await fitted(chosen, 40, 2));
    const both = (await symbolsOf({ ...options, turns: 2 })).map(({ symbols }) => symbols);
    expect(both).toEqual([...plain, ...coded].map(({ symbols }) => symbols));
  });
});
