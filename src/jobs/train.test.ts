import { readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { readModel } from '../field/model.ts';
import { withOverrides } from '../learn/index.ts';
import { trainModel, trainPrior } from './index.ts';
import { tinyRecipe } from './testing.ts';
import type { JobEvent } from './types.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
});

afterAll(() => engine.close());

const recipe = withOverrides(tinyRecipe, {
  steps: 12,
  phases: { distortion: 6, rounded: 2 },
  validation: { every: 12, signals: 4 },
  checkpointEvery: 4,
});

describe('trainModel', () => {
  it('writes a model that tells how it was made, its log, and tells of its progress', async () => {
    const out = join(temporary(), 'own.safetensors');
    const events: JobEvent[] = [];
    const { model } = await trainModel({
      engine,
      recipe,
      data: 'fixture-fashion',
      out,
      notes: 'a test',
      onEvent: (event) => events.push(event),
    });
    expect(readModel(new Uint8Array(await readFile(out))).id).toBe(model.id);
    expect(model.card).toMatchObject({
      name: 'tiny',
      family: 'image',
      outputs: [{ name: 'grey', offset: 0.5, scale: 1, low: 0, peak: 1, sample: 'uint8' }],
      axes: [{ name: 'y' }, { name: 'x' }],
      anySize: true,
      notes: 'a test',
      training: {
        dataset: 'fixture-fashion',
        split: 'train',
        signals: 48,
        steps: 12,
        innerSteps: 3,
        peak: 1,
      },
    });
    expect(JSON.parse(model.card.training.recipe as string)).toEqual(recipe);
    expect(model.card.figures.validationSignals).toBe(4);
    expect(model.tensors.get('learn.scales')!.data.length).toBe(10);
    const lines = (await readFile(`${out}.log.jsonl`, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: 'run', dataset: 'fixture-fashion' });
    expect(lines.at(-1)).toMatchObject({ type: 'done', step: 12 });
    expect(events.map(({ type }) => type)).toContain('checkpoint');
    expect(events.at(-1)).toMatchObject({ type: 'end', done: 12 });
  });

  it('learns anew over a run that was done, and over no checkpoint that there is to go on from', async () => {
    const out = join(temporary(), 'own.safetensors');
    const short = { ...recipe, steps: 4, phases: { distortion: 4, rounded: 0, coded: 0 } };
    const common = { engine, data: 'fixture-fashion', out };
    await trainModel({ ...common, recipe: short });
    const { model } = await trainModel({ ...common, recipe: { ...short, seed: 7 }, replace: true });
    expect(JSON.parse(model.card.training.recipe as string).seed).toBe(7);
    const later = new Date(Date.now() + 10_000);
    await utimes(`${out}.checkpoint`, later, later);
    await expect(trainModel({ ...common, recipe: short, replace: true })).rejects.toMatchObject({
      code: 'checkpoint-exists',
    });
  });

  it('goes on from a model, and says which', async () => {
    const directory = temporary();
    const common = { engine, data: 'fixture-fashion', recipe };
    const first = await trainModel({ ...common, out: join(directory, 'first.safetensors') });
    const further = { ...recipe, steps: 4, phases: { distortion: 0, rounded: 0, coded: 2 } };
    const out = join(directory, 'second.safetensors');
    const { model } = await trainModel({ ...common, recipe: further, from: first.model, out });
    expect(model.card.training.from).toBe(first.model.id);
    const [before, after] = [first.model.network.weights, model.network.weights];
    const moved = after.reduce((most, w, i) => Math.max(most, Math.abs(w - before[i]!)), 0);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(0.05);
  });

  it('lets the prior of the model that it goes on from choose symbols, where there is one', async () => {
    const directory = temporary();
    const common = { engine, data: 'fixture-fashion' };
    const first = join(directory, 'first.safetensors');
    const plain = await trainModel({ ...common, recipe, out: first });
    const priced = withOverrides(recipe, {
      steps: 4,
      phases: { distortion: 0, rounded: 0, coded: 4 },
      coded: { priced: true },
    });
    const failure = trainModel({
      ...common,
      recipe: priced,
      from: plain.model,
      out: join(directory, 'none'),
    });
    await expect(failure).rejects.toMatchObject({ code: 'no-prices' });
    const { model: from } = await trainPrior({ ...common, modelPath: first, steps: 30 });
    const learnOn = async (name: string, changed: object) => {
      const further = withOverrides(priced, changed as Record<string, unknown>);
      const out = join(directory, name);
      return (await trainModel({ ...common, recipe: further, from, out })).model.network.weights;
    };
    const [own, logistic] = [
      await learnOn('priced', {}),
      await learnOn('logistic', { coded: { priced: false } }),
    ];
    expect(own.every(Number.isFinite)).toBe(true);
    expect(own).not.toEqual(logistic);
  });

  it('gives the same file when it was stopped and resumed', async () => {
    const directory = temporary();
    const options = { engine, recipe, data: 'fixture-fashion' };
    const whole = await trainModel({ ...options, out: join(directory, 'whole') });
    const stop = new AbortController();
    const out = join(directory, 'parts');
    const stopped = trainModel({
      ...options,
      out,
      signal: stop.signal,
      onEvent: (event) => event.type === 'checkpoint' && event.done === 4 && stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ kind: 'aborted' });
    const resumed = await trainModel({ ...options, out, resume: true });
    expect(resumed.model.id).toBe(whole.model.id);
  });

  it('says that there is no room for the model', async () => {
    const failure = trainModel({ engine, recipe, data: 'fixture-fashion', out: '/nowhere/model' });
    await expect(failure).rejects.toMatchObject({ kind: 'environment' });
  });
});
