import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writePriorFile } from '../../prior/train/prior-file.ts';
import { temporary } from '../../test/temporary.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { readModel, writeModel } from '../field/model.ts';
import { trainPrior } from '../jobs/index.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import { findBeside, pathBeside } from './beside.ts';
import { generativeOf, openGenerative, samplersOf } from './generative.ts';
import { listModels, loadModel } from './index.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;
let one: Uint8Array;
/** Of another network. */
let two: Uint8Array;

beforeAll(async () => {
  engine = await openEngine();
  one = await makeTinyModel(engine);
  const { card, network, steps, tensors } = readModel(one);
  const weights = network.weights.map((w) => w * 1.01);
  two = writeModel({ card: { ...card, name: 'two' }, network: { ...network, weights }, steps, tensors });
}, 120_000);
afterAll(() => engine.close());

const priorOf = (bytes: Uint8Array) =>
  writePriorFile(
    {
      kind: 'gaussian',
      networkId: readModel(bytes).networkId,
      levels: [],
      labels: [],
      recipe: {},
      figures: {},
    },
    new Map(),
  );

describe('two models in one folder', () => {
  test('each have the priors of their own network, whatever the files are called', async () => {
    const directory = temporary();
    const put = (name: string, bytes: Uint8Array | string) => writeFileSync(join(directory, name), bytes);
    put('one.safetensors', one);
    put('two.safetensors', two);
    put('gaussian.safetensors', priorOf(two));
    const load = (name: string) => loadModel(name, { directories: [directory] });
    expect(await generativeOf(await load('one'))).toEqual([]);
    expect(await generativeOf(await load('two'))).toEqual(['gaussian']);
    expect(await samplersOf(await load('one'))).not.toContain('gaussian');
    await expect(openGenerative(await load('one'), 'gaussian')).rejects.toMatchObject({
      code: 'prior-network',
    });
    await expect(openGenerative(await load('one'), 'flow')).rejects.toMatchObject({ code: 'prior' });
    put('one.gaussian.safetensors', priorOf(one));
    expect(await generativeOf(await load('one'))).toEqual(['gaussian']);
    expect(await findBeside(await load('two'), 'gaussian')).toEqual({
      path: join(directory, 'gaussian.safetensors'),
      own: true,
    });
    // named after one, and of the other
    put('one.gaussian.safetensors', priorOf(two));
    expect(await generativeOf(await load('one'))).toEqual([]);
    put('one.gaussian.safetensors', 'damaged');
    expect(await generativeOf(await load('one'))).toEqual([]);
    await expect(openGenerative(await load('one'), 'gaussian')).rejects.toMatchObject({ kind: 'stream' });
  });

  test('are the only models of it: priors and classifiers are none, by what they are', async () => {
    const directory = temporary();
    mkdirSync(join(directory, 'mine'));
    writeFileSync(join(directory, 'mine', 'model.safetensors'), one);
    writeFileSync(join(directory, 'flow-of-mine.safetensors'), priorOf(one));
    writeFileSync(join(directory, 'broken.safetensors'), 'damaged');
    expect((await listModels([directory])).map(({ name }) => name)).toEqual(['broken', 'mine']);
  });

  test('and where files are written beside them', () => {
    expect(pathBeside('/m/one.safetensors', 'flow')).toBe('/m/one.flow.safetensors');
    expect(pathBeside('/m/cifar10/model.safetensors', 'flow')).toBe('/m/cifar10/flow.safetensors');
  });
});

describe('training a prior', () => {
  test('replaces neither a file beside the model, nor priors in it, nor another model, unless told to', async () => {
    const directory = temporary();
    const modelPath = join(directory, 'one.safetensors');
    writeFileSync(modelPath, one);
    const common = { engine, modelPath, data: 'fixture-fashion', limit: 24 };
    const taken = { kind: 'conflict', code: 'output-exists' };
    writeFileSync(join(directory, 'one.gaussian.safetensors'), 'kept');
    await expect(trainPrior({ ...common, kinds: ['gaussian'] })).rejects.toMatchObject(taken);
    // the tiny model has a histogram
    const there = trainPrior({ ...common, kinds: ['histogram'] });
    await expect(there).rejects.toMatchObject({ kind: 'conflict', code: 'prior-exists' });
    const out = join(directory, 'gaussian.safetensors');
    writeFileSync(out, 'kept');
    await expect(trainPrior({ ...common, kinds: ['histogram'], out })).rejects.toMatchObject(taken);
    const { files } = await trainPrior({ ...common, kinds: ['gaussian'], replace: true });
    expect(files).toEqual([join(directory, 'one.gaussian.safetensors')]);
    expect(await generativeOf(await loadModel(modelPath))).toEqual(['gaussian']);
    const { model } = await trainPrior({ ...common, kinds: ['histogram'], replace: true });
    expect(model.id).not.toBe(readModel(one).id);
  });
});
