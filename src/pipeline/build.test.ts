import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { mse, psnrDb } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { buildFunctaset, openSession, trainPrior } from './index.ts';
import { openFunctasetOf } from './store.ts';
import { makeTinyModel } from './testing.ts';
import type { PipelineEvent } from './types.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;
let model: Model;
let bytes: Uint8Array;

beforeAll(async () => {
  engine = await openEngine();
  bytes = await makeTinyModel(engine);
  model = readModel(bytes);
}, 120_000);

afterAll(() => engine.close());

describe('build', () => {
  it('stores a function for every signal, goes on where it stopped, and refuses a store that is not empty', async () => {
    const path = join(temporary(), 'set');
    const options = { dataset: 'fixture-fashion', split: 'train' as const, path, model, engine, batch: 5 };
    const stop = new AbortController();
    const flushed: string[] = [];
    const onFlushed = (ids: readonly string[]) => {
      flushed.push(...ids);
      if (flushed.length >= 10) stop.abort();
    };
    await expect(buildFunctaset({ ...options, onFlushed, signal: stop.signal })).rejects.toMatchObject({
      kind: 'aborted',
    });
    const half = await openFunctasetOf(model, path, { readOnly: true });
    expect(flushed.every((id) => half.has(id))).toBe(true);
    await half.close();
    await expect(buildFunctaset(options)).rejects.toMatchObject({ code: 'functaset-not-empty' });
    const result = await buildFunctaset({ ...options, resume: true });
    expect(result).toMatchObject({ added: 38, total: 48 });
    const again = await buildFunctaset({ ...options, resume: true });
    expect(again).toMatchObject({ added: 0, total: 48 });
    const store = await openFunctasetOf(model, path, { readOnly: true });
    expect(await store.verify()).toMatchObject({ ok: true, functions: 48 });
    const session = openSession({ model, engine });
    const found = store.get(flushed[0]!)!;
    const { openDataset } = await import('../../datasets/registry.ts');
    const data = await openDataset('fixture-fashion', 'train');
    const signal = await data.get(0);
    expect(found.id).toBe(signal.id);
    expect(found.label).toBe(signal.label);
    if (found.content.kind !== 'file') throw new Error('a built function is a file');
    const decoded = await session.decode(found.content.bytes);
    expect(psnrDb(mse(decoded.values, signal.values))).toBeCloseTo(found.psnrDb, 9);
    await store.close();
  });
});

describe('trainPrior', () => {
  it('adds priors to a model from a functaset, and files are coded with them', async () => {
    const directory = temporary();
    const path = join(directory, 'set');
    const modelPath = join(directory, 'tiny.safetensors');
    await writeFile(modelPath, bytes);
    await buildFunctaset({ dataset: 'fixture-fashion', split: 'train', path, model, engine });
    const units: string[] = [];
    const onEvent = (event: PipelineEvent) => {
      if (event.type === 'start') units.push(event.unit);
    };
    const result = await trainPrior({ engine, modelPath, functaset: path, steps: 30, seed: 1, onEvent });
    expect(units.at(-1)).toBe('steps');
    expect(Object.keys(result.bitsPerPoint).sort()).toEqual(['autoregressive', 'factorized', 'histogram']);
    expect(result.model.networkId).toBe(model.networkId);
    const session = openSession({ model: result.model, engine });
    const encoded = await session.encode({
      id: 'x',
      shape: [28, 28],
      channels: 1,
      values: new Float32Array(784),
    });
    expect(session.inspect(encoded.bytes).prior).toBe('autoregressive');
    expect((await session.decode(encoded.bytes)).shape).toEqual([28, 28]);
    await expect(trainPrior({ engine, modelPath })).rejects.toMatchObject({ code: 'one-source' });
  });
});
