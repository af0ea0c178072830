import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { temporary } from '../../test/temporary.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { fitSignals } from '../fit/fit.ts';
import { withOverrides } from '../learn/index.ts';
import { encoderPath } from '../models/encoder.ts';
import { listModels, loadModel } from '../models/index.ts';
import { openSession } from '../session/index.ts';
import type { Signal } from '../signal/signal.ts';
import { trainEncoder } from './index.ts';
import { makeTinyModel, tinyRecipe } from './testing.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Whose blocks are of 8 x 8: small systems to solve. */
const levels = [
  { cell: [8, 8], channels: 6, interpolation: 'linear' },
  { cell: [4, 4], channels: 3, interpolation: 'linear' },
];
const recipe = withOverrides(tinyRecipe, { spec: { ...tinyRecipe.spec, levels }, steps: 40 });

let engine: Engine;
let tiny: Uint8Array;
let signals: Signal[];
beforeAll(async () => {
  engine = await openEngine('native', { threads: 1 });
  tiny = await makeTinyModel(engine, recipe);
  const data = await openDataset('fixture-fashion', 'train');
  signals = await Promise.all([0, 1, 2, 3].map((i) => data.get(i)));
}, 120_000);
afterAll(() => engine.close());

function modelIn(directory: string, bytes = tiny): string {
  const modelPath = join(directory, 'mine.safetensors');
  writeFileSync(modelPath, bytes);
  return modelPath;
}

const learnt = (modelPath: string, more: object = {}) =>
  trainEncoder({ engine, modelPath, data: 'fixture-fashion', ...more });

test('an encoder is found beside its model, starts every effort, and files decode without it', async () => {
  const modelPath = modelIn(temporary());
  const plain = await loadModel(modelPath);
  expect(plain.encoder).toBeUndefined();
  const { path, figures } = await learnt(modelPath);
  expect(path).toBe(encoderPath(modelPath));
  expect(Object.keys(figures).sort()).toEqual(['psnrDbInnerSteps', 'psnrDbPredicted']);
  const model = await loadModel(modelPath);
  expect(model.encoder?.().card).toMatchObject({ networkId: plain.networkId, qualities: [35, 70] });
  expect([model.id, model.networkId]).toEqual([plain.id, plain.networkId]);
  expect(await listModels([join(modelPath, '..')])).toHaveLength(1);
  const gradients = vi.spyOn(engine, 'adapt');
  for (const effort of [1, 2, 4]) {
    const [own, without] = [openSession({ model, engine }), openSession({ model: plain, engine })];
    gradients.mockClear();
    const found = await own.encodeMany(signals, { effort });
    expect(gradients).not.toHaveBeenCalled();
    expect(found.archive).not.toEqual((await without.encodeMany(signals, { effort })).archive);
    const decoded = await without.decode(found.items[0]!.bytes);
    expect(decoded.values).toEqual((await own.decode(found.items[0]!.bytes)).values);
    expect(await own.encodeMany(signals, { effort })).toMatchObject({ archive: found.archive });
  }
  gradients.mockRestore();
  // Nothing but a fit reads it.
  const late = openSession({ model: await loadModel(modelPath), engine });
  const [item] = (await openSession({ model, engine }).encodeMany(signals.slice(0, 1))).items;
  rmSync(path);
  await late.decode(item!.bytes);
  await expect(late.encode(signals[0]!)).rejects.toMatchObject({ code: 'model-unreadable' });
});

test('one gradient serves every quality that a small file is tried at, and finds what a fit at that quality finds', async () => {
  const modelPath = modelIn(temporary());
  await learnt(modelPath);
  const model = await loadModel(modelPath);
  const gradients = vi.spyOn(engine, 'gradient');
  gradients.mockClear();
  const { fileQuality } = await openSession({ model, engine }).encode(signals[0]!, { quality: 50 });
  expect(gradients).toHaveBeenCalledTimes(1);
  expect(fileQuality).toBeGreaterThan(0);
  const together = await fitSignals(model, engine, signals, { quality: 50, effort: 1 });
  for (const quality of [20, 44, 61, 90]) {
    const own = (await fitSignals(model, engine, signals, { quality, effort: 1 }))[1]!;
    const found = together[1]!.plainAt!(quality);
    expect(found.plain).toEqual(own.plain);
    expect(found).toMatchObject({ symbols: undefined, efforts: [] });
  }
  gradients.mockRestore();
});

test('what is missing is not predicted: such a signal has the file that it has without an encoder', async () => {
  const modelPath = modelIn(temporary());
  const plain = await loadModel(modelPath);
  await learnt(modelPath, { limit: 16 });
  const model = await loadModel(modelPath);
  const values = signals[0]!.values.slice();
  values.fill(Number.NaN, 100, 120);
  const holed = { ...signals[0]!, bytes: undefined, values };
  const encode = (of: typeof model) => openSession({ model: of, engine }).encode(holed, { effort: 2 });
  expect((await encode(model)).bytes).toEqual((await encode(plain)).bytes);
});

test('a run that was stopped goes on to the same bytes', async () => {
  const [whole, stopped] = [modelIn(temporary()), modelIn(temporary())];
  const { path } = await learnt(whole);
  const abort = new AbortController();
  const stop = ({ type, done = 0 }: { type: string; done?: number }) => {
    if (type === 'progress' && done >= 32) abort.abort();
  };
  await expect(learnt(stopped, { onEvent: stop, signal: abort.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  const out = encoderPath(stopped);
  expect(existsSync(out)).toBe(false);
  await expect(learnt(stopped, { limit: 40 })).rejects.toMatchObject({ code: 'other-run' });
  const told: string[] = [];
  await learnt(stopped, { onEvent: (event: object) => told.push(JSON.stringify(event)) });
  expect(told.join()).toContain('goes on from signal 32');
  expect(readFileSync(out)).toEqual(readFileSync(path));
  expect(existsSync(`${out}.checkpoint`)).toBe(false);
  await expect(learnt(stopped)).rejects.toMatchObject({ code: 'output-exists' });
});

test('an encoder of another network under the name of a model is refused', async () => {
  const sloped = await makeTinyModel(engine, withOverrides(recipe, { quality: { slopes: true } }));
  const [one, other] = [modelIn(temporary()), modelIn(temporary(), sloped)];
  const { path } = await learnt(one, { limit: 16 });
  writeFileSync(encoderPath(other), readFileSync(path));
  await expect(loadModel(other)).rejects.toMatchObject({ code: 'encoder-network' });
  // Without it, one of its own serves this network, which changes with quality.
  rmSync(encoderPath(other));
  await learnt(other, { limit: 16 });
  const own = openSession({ model: await loadModel(other), engine });
  for (const quality of [30, 50, 70])
    expect((await own.encode(signals[0]!, { quality })).psnrDb).toBeGreaterThan(10);
});
