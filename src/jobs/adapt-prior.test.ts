import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { movedNames, writeAdapted } from '../../prior/adapted.ts';
import { temporary } from '../../test/temporary.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { listModels, loadModel } from '../models/index.ts';
import { findModelOf, openSession } from '../session/index.ts';
import { adaptPrior } from './index.ts';
import { makeTinyModel } from './testing.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => engine.close());

/** An adaptation of fashion-mnist, written without training. */
async function someAdaptation(directory: string): Promise<string> {
  const base = await loadModel('fashion-mnist');
  const name = movedNames(base.tensors).find((own) => own.endsWith('level2.scale.bias'))!;
  const steps = new Int32Array(base.tensors.get(name)!.data.length).fill(-3);
  const moves = new Map([[name, { shift: 6, steps }]]);
  const card = {
    ...{ model: 'fashion-mnist', modelId: base.id, networkId: base.networkId },
    ...{ recipe: {}, figures: {} },
  };
  const path = join(directory, 'mine.safetensors');
  writeFileSync(path, writeAdapted(base.tensors, moves, card));
  return path;
}

test('an adapted prior is used as a model: what it codes names it, is decoded by it, and by nothing else', async () => {
  const directory = temporary();
  const path = await someAdaptation(directory);
  const [base, adapted] = [await loadModel('fashion-mnist'), await loadModel(path)];
  expect(adapted.id).not.toBe(base.id);
  expect(adapted.networkId).toBe(base.networkId);
  const signal = await (await openDataset('fixture-fashion', 'train')).get(0);
  const [plain, own] = [openSession({ model: base, engine }), openSession({ model: adapted, engine })];
  const { bytes } = await own.encode(signal, { effort: 1 });
  const same = await plain.encode(signal, { effort: 1 });
  expect(bytes).not.toEqual(same.bytes);
  expect((await own.decode(bytes)).values).toEqual((await plain.decode(same.bytes)).values);
  await expect(plain.decode(bytes)).rejects.toMatchObject({ code: 'other-model' });
  await expect(plain.decode(bytes)).rejects.toThrow(adapted.id.slice(0, 6));
  await expect(findModelOf(bytes)).rejects.toMatchObject({ code: 'model-not-here' });
  expect((await findModelOf(bytes, { beside: directory })).id).toBe(adapted.id);
  expect((await listModels([directory])).map(({ name }) => name)).toEqual(['mine']);
});

test('without the model that it adapts it says which that is', async () => {
  const directory = temporary();
  const path = await someAdaptation(directory);
  const none = [join(directory, 'nothing')];
  await expect(loadModel(path, { directories: none })).rejects.toMatchObject({ code: 'model-not-here' });
  await expect(loadModel(path, { directories: none })).rejects.toThrow('fashion-mnist');
  // Beside it the model is found, whatever it is called.
  copyFileSync((await loadModel('fashion-mnist')).path!, join(directory, 'renamed.safetensors'));
  expect((await loadModel(path, { directories: none })).card.name).toBe('fashion-mnist');
});

test('a prior is adapted to data: the same bytes for the same seed, and the file says what of', async () => {
  const directory = temporary();
  const adapt = (out: string) =>
    adaptPrior({
      ...{ engine, modelPath: 'fashion-mnist', data: 'fixture-fashion', limit: 8, steps: 2, seed: 1 },
      out: join(directory, out),
    });
  const [first, second] = [await adapt('a.safetensors'), await adapt('b.safetensors')];
  expect(readFileSync(first.path)).toEqual(readFileSync(second.path));
  expect(first.signals).toBe(8);
  // Eight signals pay for no moves: the prior stays what it is.
  expect(first.bytesAfter).toBe(first.bytesBefore);
  expect(first.model.id).toBe((await loadModel(first.path)).id);
  await expect(adapt('a.safetensors')).rejects.toMatchObject({ code: 'output-exists' });
});

test('a model without a context prior is told so', async () => {
  const path = join(temporary(), 'tiny.safetensors');
  writeFileSync(path, await makeTinyModel(engine));
  const out = join(temporary(), 'out.safetensors');
  await expect(adaptPrior({ engine, modelPath: path, data: 'fixture-fashion', out })).rejects.toMatchObject({
    code: 'prior-kind',
  });
});
