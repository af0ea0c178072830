import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openDiffusion } from '../../prior/diffusion/index.ts';
import { generativeKinds } from '../../prior/kinds.ts';
import { temporary } from '../../test/temporary.ts';
import { Rng } from '../core/rng.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { modulationLayout } from '../field/layout.ts';
import { readModel } from '../field/model.ts';
import { openGenerative, samplersOf } from '../models/generative.ts';
import { loadModel } from '../models/models.ts';
import { openSession } from '../session/index.ts';
import { distilPrior, trainPrior } from './jobs.ts';
import { makeTinyModel } from './testing.ts';
import { trainGenerative } from './train-generative.ts';
import type { JobEvent } from './types.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;
let tiny: Uint8Array;

beforeAll(async () => {
  engine = await openEngine();
  tiny = await makeTinyModel(engine);
}, 120_000);

afterAll(() => engine.close());

test.each(generativeKinds)('a %s prior is trained beside its model, opens, and draws', async (kind) => {
  const modelPath = join(temporary(), 'model.safetensors');
  writeFileSync(modelPath, tiny);
  const events: JobEvent[] = [];
  const { files } = await trainPrior({
    ...{ engine, modelPath, kinds: [kind], data: 'fixture-fashion', split: 'train', limit: 24 },
    ...{ steps: 2, seed: 3, onEvent: (event: JobEvent) => events.push(event) },
  });
  expect(files).toHaveLength(1);
  expect(new Uint8Array(readFileSync(modelPath))).toEqual(tiny);
  expect(existsSync(`${files[0]}.checkpoint`)).toBe(false);
  const model = await loadModel(modelPath);
  expect(await samplersOf(model)).toContain(kind);
  const [drawn] = await (await openGenerative(model, kind)).sample({ count: 1, seed: 1 });
  expect(drawn?.every(Number.isFinite)).toBe(true);
  expect(events.at(-1)?.type).toBe('end');
  const again = trainPrior({
    ...{ engine, modelPath, kinds: [kind], data: 'fixture-fashion', split: 'train', limit: 24 },
    ...{ steps: 2, seed: 3, goOn: true, replace: true },
  });
  if (kind === 'diffusion') {
    await again;
    const later = await openGenerative(await loadModel(modelPath), kind);
    expect(later.card.recipe).toMatchObject({ stepsBefore: 2, trainingSteps: 2, levels: 'tokens' });
  } else await expect(again).rejects.toMatchObject({ code: 'prior-training' });
});

test('a diffusion is distilled beside its model, and draws the steps that were learnt', async () => {
  const modelPath = join(temporary(), 'model.safetensors');
  writeFileSync(modelPath, tiny);
  const settings = { modelPath, to: [1, 3], guidance: 1.5, paths: 32, steps: 2, seed: 3 };
  await expect(distilPrior(settings)).rejects.toMatchObject({ code: 'prior' });
  await trainPrior({
    ...{ engine, modelPath, kinds: ['diffusion'], data: 'fixture-fashion', split: 'train', limit: 24 },
    ...{ steps: 2, seed: 3 },
  });
  const events: JobEvent[] = [];
  const { path, to, guidance } = await distilPrior({ ...settings, onEvent: (event) => events.push(event) });
  expect([path, to, guidance]).toEqual([join(dirname(modelPath), 'distilled.safetensors'), [1, 3], 1.5]);
  expect(existsSync(`${path}.checkpoint`)).toBe(false);
  const units = events.flatMap((event) => (event.type === 'start' ? [event.unit] : []));
  expect(units).toEqual(['paths drawn', 'distillation steps']);
  expect(events.at(-1)?.type).toBe('end');
  const session = openSession({ model: await loadModel(modelPath), engine });
  const asked = { count: 1, seed: 1, prior: 'diffusion', decode: false } as const;
  expect((await session.sample({ ...asked, steps: 3 })).distilled).toEqual({ steps: 3, guidance: 1.5 });
  expect((await session.sample({ ...asked, steps: 2 })).distilled).toBeUndefined();
  await expect(distilPrior(settings)).rejects.toMatchObject({ code: 'output-exists' });
  const before = readFileSync(path);
  await distilPrior({ ...settings, replace: true });
  expect(readFileSync(path)).toEqual(before);
});

test('a diffusion is of the width and the layers that are asked for, and says so', async () => {
  const modelPath = join(temporary(), 'model.safetensors');
  writeFileSync(modelPath, tiny);
  const asked = { engine, modelPath, kinds: ['diffusion'], data: 'fixture-fashion', split: 'train' } as const;
  const { files } = await trainPrior({ ...asked, limit: 24, steps: 1, width: 16, blocks: 1 });
  const prior = await openGenerative(await loadModel(modelPath), 'diffusion');
  expect(prior.card.recipe).toMatchObject({ width: 16, blocks: 1 });
  expect((await prior.sample({ count: 1, seed: 1 }))[0]!.every(Number.isFinite)).toBe(true);
  expect(readFileSync(files[0]!).length).toBeLessThan(100_000);
  const odd = trainPrior({ ...asked, limit: 24, steps: 1, width: 18, replace: true });
  await expect(odd).rejects.toMatchObject({ code: 'prior-training' });
});

test('data that lie class by class teach every label: what is held out is no class of its own', async () => {
  const model = readModel(tiny);
  const layout = modulationLayout(model.card.spec, model.card.shape);
  const rng = new Rng(1);
  const items = Array.from({ length: 60 }, (_, i) => ({
    ...{ layout, label: i < 30 ? 'a' : i < 57 ? 'b' : 'z' },
    modulation: Float32Array.from({ length: layout.length }, () => rng.normal()),
  }));
  const path = await trainGenerative('diffusion', {
    ...{ model, modelPath: join(temporary(), 'model.safetensors'), data: 'x', replace: false },
    ...{ source: { length: items.length, at: (i) => items[i]! }, trainingSteps: 1, width: 8, blocks: 1 },
  });
  const opened = await openDiffusion(new Uint8Array(readFileSync(path)));
  expect(opened.labels).toEqual(['a', 'b', 'z']);
  opened.dispose();
});
