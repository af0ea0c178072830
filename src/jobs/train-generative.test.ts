import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { generativeKinds } from '../../prior/kinds.ts';
import { temporary } from '../../test/temporary.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { openGenerative, samplersOf } from '../models/generative.ts';
import { loadModel } from '../models/models.ts';
import { trainPrior } from './jobs.ts';
import { makeTinyModel } from './testing.ts';
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
    expect(later.card.recipe).toMatchObject({ stepsBefore: 2, trainingSteps: 2 });
  } else await expect(again).rejects.toMatchObject({ code: 'prior-training' });
});
