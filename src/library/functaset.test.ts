import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { temporary } from '../../test/temporary.ts';
import { meanOf } from '../combine/index.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { all, makeTinyModel } from '../jobs/testing.ts';
import { openSession } from '../session/index.ts';
import type { Signal } from '../signal/signal.ts';
import { createFunctaset, openFunctaset } from './index.ts';

let engine: Engine;
let model: Model;
let signals: Signal[];

beforeAll(async () => {
  engine = await openEngine();
  model = readModel(await makeTinyModel(engine));
  signals = await all(await openDataset('fixture-fashion', 'train'));
}, 120_000);

afterAll(() => engine.close());

describe('a functaset with its model', () => {
  it('takes signals in and gives functions out, which are those of their files', async () => {
    await using set = await createFunctaset(`${temporary()}/set.functaset`, { model, engine });
    const some = signals.slice(0, 40);
    expect(await set.add(some)).toEqual(some.map(({ id }) => id));
    expect(set.count).toBe(40);
    const { id, label } = signals[3]!;
    const fn = await set.get(id);
    const { bytes } = await openSession({ model, engine }).encode(signals[3]!, { steps: 'asked' });
    expect(fn.id).toBe(id);
    expect(await fn.toBytes()).toEqual(bytes);
    const found: string[] = [];
    for await (const { id } of set.functions({ label })) found.push(id);
    expect(found).toContain(id);
    expect(await set.verify()).toMatchObject({ ok: true, functions: 40 });
  });

  it('keeps where samples of a signal stand, unless it is told not to', async () => {
    await using set = await createFunctaset(`${temporary()}/set.functaset`, { model, engine });
    const axes = [
      { name: 'depth', unit: 'm', start: 2, step: 0.5 },
      { name: 'x', unit: 'm', start: 0, step: 1 },
    ];
    await set.add({ ...signals[0]!, axes, id: 'placed' });
    await set.add({ ...signals[0]!, axes, id: 'bare' }, { keep: 'none' });
    const placed = await (await set.get('placed')).decode();
    expect(placed.axes).toEqual(axes);
    expect((await (await set.get('bare')).decode()).axes).not.toEqual(axes);
  });

  it('finds what is near a signal and a function, and answers queries', async () => {
    await using set = await createFunctaset(`${temporary()}/set.functaset`, { model, engine });
    async function* some() {
      yield* signals.slice(0, 20);
    }
    await set.add(some());
    const { id } = signals[5]!;
    expect((await set.near(signals[5]!, { k: 3 }))[0]).toMatchObject({ id });
    const others = await set.near(id, { k: 20 });
    expect(others.map((other) => other.distance)).toEqual(
      others.map((other) => other.distance).sort((a, b) => a - b),
    );
    const answer = await set.query({ kind: 'where', filter: { ids: [id] } });
    expect(answer).toMatchObject({ kind: 'where', items: [{ id }], next: null });
    await expect(set.query({ kind: 'near' })).rejects.toMatchObject({ code: 'bad-query' });
  });

  it('takes files, modulations and what was made of functions', async () => {
    await using set = await createFunctaset(`${temporary()}/set.functaset`, { model, engine });
    const { bytes } = await set.session.encode(signals[0]!);
    await set.put({ id: 'file', label: 'a', bytes });
    await set.add(signals[1]!);
    const terms = [await set.get('file'), await set.get(signals[1]!.id)];
    const mean = meanOf(terms);
    await set.put({ id: 'mean', modulation: mean.modulation, quality: mean.quality });
    const decoded = await (await set.get('mean')).decode();
    expect(decoded.shape).toEqual([28, 28]);
    expect(await set.delete(['file', 'nobody'])).toBe(1);
    expect(await set.delete('mean')).toBe(1);
    await expect(set.get('file')).rejects.toMatchObject({ code: 'unknown-function' });
    await expect(set.put({ id: 'short', modulation: new Float32Array(3) })).rejects.toMatchObject({
      code: 'modulation-length',
    });
  });

  it('puts functions as the files that they came from, samples too, and none of another model', async () => {
    await using set = await createFunctaset(`${temporary()}/set.functaset`, { model, engine });
    const { bytes, prior } = await set.session.encode(signals[2]!, { quality: 100 });
    expect(prior).toBe('samples');
    const fn = await set.session.open(bytes, { name: 'exact' });
    await set.put(fn);
    expect((await (await set.get('exact')).decode()).values).toEqual(signals[2]!.values);
    await expect(fn.toBytes({ quality: 60 })).rejects.toMatchObject({ code: 'own-samples' });
    const other = await openSession({ model: { ...model, networkId: 'f'.repeat(64) }, engine }).open(bytes);
    await expect(set.put(other)).rejects.toMatchObject({ code: 'other-model' });
    expect(() => meanOf([fn, other])).toThrow(expect.objectContaining({ code: 'own-samples' }));
    const fits = [await fn.fitted(), await other.fitted()];
    expect(() => meanOf(fits)).toThrow(expect.objectContaining({ code: 'other-model' }));
  });

  it('leaves out of near what has no weight, and names the signal that cannot be fitted', async () => {
    await using set = await createFunctaset(`${temporary()}/set.functaset`, { model, engine });
    await set.add(signals.slice(0, 12));
    const shown = Float32Array.from({ length: 784 }, (_, i) => Number(i >= 392));
    const values = signals[4]!.values.map((value, i) => (i < 392 ? signals[7]!.values[i]! : value));
    const half = { ...signals[4]!, values, weights: shown };
    expect((await set.near(half, { k: 1 }))[0]).toMatchObject({ id: signals[4]!.id });
    await expect(set.near({ ...half, weights: shown.fill(0.5) })).rejects.toMatchObject({
      code: 'near-weights',
    });
    const empty = { ...signals[13]!, values: new Float32Array(784).fill(Number.NaN) };
    await expect(set.add([signals[12]!, empty])).rejects.toThrow(signals[13]!.id);
  });

  it('is made once, and opened with a model of its network', async () => {
    const path = `${temporary()}/set.functaset`;
    const first = await createFunctaset(path, { model, engine });
    await first.add(signals.slice(0, 2));
    await first.close();
    await expect(createFunctaset(path, { model, engine })).rejects.toMatchObject({
      code: 'functaset-not-empty',
    });
    await expect(openFunctaset(path, { engine })).rejects.toMatchObject({ code: 'model-not-here' });
    const again = await openFunctaset(path, { engine, model, readOnly: true });
    expect(again.count).toBe(2);
    await again.close();
  });
});
