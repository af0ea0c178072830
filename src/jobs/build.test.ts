import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { withLimits } from '../core/limits.ts';
import { mse, psnrDb } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { writeImage } from '../formats/image.ts';
import { priorsOf } from '../models/priors.ts';
import { openSession } from '../session/index.ts';
import { inlineWork } from '../session/inline-work.ts';
import { openFunctasetOf } from '../session/store.ts';
import { buildFunctaset, trainPrior } from './index.ts';
import { makeTinyModel } from './testing.ts';
import type { JobEvent } from './types.ts';

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
  it('codes each signal once, by the steps of the quality asked for, where one encoding chooses among many', async () => {
    const path = join(temporary(), 'set');
    const options = { data: 'fixture-fashion', split: 'test' as const, path, model, engine, quality: 40 };
    const coded = vi.spyOn(inlineWork, 'codeWithin');
    const { added } = await buildFunctaset({ ...options, limit: 8 });
    // Short files are priced by every prior of the model, and by nothing else.
    expect(coded.mock.calls.length).toBeLessThanOrEqual(added * priorsOf(model).length);
    coded.mockClear();
    await buildFunctaset({ ...options, limit: 8, path: join(temporary(), 'chosen'), steps: 'chosen' });
    expect(coded.mock.calls.length).toBeGreaterThan(added * priorsOf(model).length);
    coded.mockRestore();
    const store = await openFunctasetOf(model, path, { readOnly: true });
    const session = openSession({ model, engine });
    for (const { content } of store.iterate()) {
      if (content.kind !== 'file') throw new Error('a built function is a file');
      expect(session.inspect(content.bytes).quality).toBe(40);
    }
    await store.close();
  });

  it('does not take the store for the directory of data that need one', async () => {
    const path = join(temporary(), 'set');
    await expect(buildFunctaset({ data: 'digits', path, model, engine })).rejects.toMatchObject({
      code: 'no-path',
    });
  });

  it('stores a function for every signal, goes on where it stopped, and refuses a store that is not empty', async () => {
    const path = join(temporary(), 'set');
    const options = { data: 'fixture-fashion', split: 'train' as const, path, model, engine, batch: 5 };
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

describe('build of a folder', () => {
  const shape = [28, 28] as const;
  async function folder(count: number): Promise<string> {
    const directory = temporary();
    for (let i = 0; i < count; i++) {
      const values = Float32Array.from({ length: 784 * 3 }, (_, at) => ((at * (i + 3)) % 251) / 255);
      const signal = { id: 'x', shape, channels: 3, values };
      await writeFile(join(directory, `${String(i).padStart(2, '0')}.png`), await writeImage(signal, 'png'));
    }
    return directory;
  }

  it('stores every picture of it, those of a split when it is asked for, in the channels of the model', async () => {
    const directory = await folder(20);
    const build = (name: string, split?: 'train' | 'all') =>
      buildFunctaset({ data: `images:${directory}`, split, path: join(temporary(), name), model, engine });
    const notes: string[] = [];
    expect(await build('all')).toMatchObject({ found: 20, added: 20, there: 0, skipped: 0, total: 20 });
    const some = await build('train', 'train');
    expect(some.added).toBeLessThan(20);
    await buildFunctaset({
      ...{ data: `images:${directory}`, path: join(temporary(), 'set'), model, engine },
      onEvent: (event) => event.type === 'note' && notes.push(event.message),
    });
    expect(notes).toEqual(['20 of 20: its colours are read as grey']);
  });

  it('leaves out what cannot be read or coded, says so, and goes on after it; strict stops there', async () => {
    const directory = await folder(6);
    const path = join(temporary(), 'set');
    const whole = await readFile(join(directory, '02.png'));
    await writeFile(join(directory, '02.png'), whole.subarray(0, whole.length / 2));
    await writeFile(join(directory, '04.png'), '');
    await writeFile(join(directory, '05.png'), await png(40));
    // an id that no store takes: found when the batch is stored
    await writeFile(join(directory, '03\u0007.png'), whole);
    const notes: string[] = [];
    const options = {
      ...{ data: `images:${directory}`, path, model, engine, batch: 3 },
      limits: withLimits({ maxSamples: 1000 }),
      onEvent: (event: JobEvent) => event.type === 'note' && notes.push(event.message),
    };
    const strict = buildFunctaset({ ...options, strict: true, path: join(temporary(), 'strict') });
    await expect(strict).rejects.toMatchObject({ kind: 'input', code: 'bad-image' });
    const result = await buildFunctaset(options);
    expect(result).toMatchObject({ found: 7, added: 3, there: 0, skipped: 4, total: 3 });
    expect(result.faults.map(({ id, code }) => `${id} ${code}`).sort()).toEqual([
      '02.png bad-image',
      '03\u0007.png bad-function',
      '04.png empty-image',
      '05.png limit-samples',
    ]);
    expect(notes[0]).toMatch(
      /^left out 02\.png: .*02\.png: the picture cannot be decoded: .* \[bad-image\]$/,
    );
    await writeFile(join(directory, '02.png'), whole);
    const again = await buildFunctaset({ ...options, resume: true });
    expect(again).toMatchObject({ found: 7, added: 1, there: 3, skipped: 3, total: 4 });
    const nothing = await buildFunctaset({ ...options, resume: true });
    expect(nothing).toMatchObject({ added: 0, total: 4 });
    expect(nothing.bitsPerPoint).toBe(again.bitsPerPoint);
    expect(nothing.psnrDbMeanOfItems).toBe(again.psnrDbMeanOfItems);
  });

  it('that holds nothing that can be stored fails with the first fault', async () => {
    const directory = temporary();
    for (const name of ['a.png', 'b.png']) await writeFile(join(directory, name), 'no picture');
    const options = { data: `images:${directory}`, path: join(temporary(), 'set'), model, engine };
    await expect(buildFunctaset(options)).rejects.toMatchObject({ code: 'unknown-image' });
  });

  async function png(side: number): Promise<Uint8Array> {
    const values = new Float32Array(side * side).fill(0.5);
    return writeImage({ id: 'x', shape: [side, side], channels: 1, values }, 'png');
  }
});

describe('trainPrior', () => {
  it('adds priors to a model from a functaset, and files are coded with them', async () => {
    const directory = temporary();
    const path = join(directory, 'set');
    const modelPath = join(directory, 'tiny.safetensors');
    await writeFile(modelPath, bytes);
    await buildFunctaset({ data: 'fixture-fashion', split: 'train', path, model, engine });
    const units: string[] = [];
    const onEvent = (event: JobEvent) => {
      if (event.type === 'start') units.push(event.unit);
    };
    const result = await trainPrior({
      ...{ engine, modelPath, functaset: path, steps: 30, seed: 1, onEvent },
      replace: true,
    });
    expect(units.at(-1)).toBe('autoregressive steps');
    expect(Object.keys(result.bitsPerPoint).sort()).toEqual(['autoregressive', 'factorized', 'histogram']);
    expect(result.model.networkId).toBe(model.networkId);
    const session = openSession({ model: result.model, engine });
    const encoded = await session.encode({
      id: 'x',
      shape: [28, 28],
      channels: 1,
      values: Float32Array.from({ length: 784 }, (_, i) => ((i * i * 31) % 255) / 255),
    });
    expect(session.inspect(encoded.bytes).prior).toBe('autoregressive');
    expect((await session.decode(encoded.bytes)).shape).toEqual([28, 28]);
    await expect(trainPrior({ engine, modelPath })).rejects.toMatchObject({ code: 'one-source' });
  });
});
