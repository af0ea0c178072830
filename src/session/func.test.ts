import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { all, makeTinyModel } from '../jobs/testing.ts';
import type { Signal } from '../signal/signal.ts';
import { openSession } from './index.ts';
import type { Session } from './types.ts';

let engine: Engine;
let model: Model;
let session: Session;
let signals: Signal[];

beforeAll(async () => {
  engine = await openEngine();
  model = readModel(await makeTinyModel(engine));
  session = openSession({ model, engine });
  signals = await all(await openDataset('fixture-fashion', 'test'));
}, 120_000);

afterAll(() => engine.close());

describe('a function', () => {
  it('decodes to what its file decodes to, at any size', async () => {
    const { bytes, fileQuality: quality } = await session.encode(signals[0]!, { quality: 60 });
    const fn = await session.open(bytes);
    expect(fn).toMatchObject({ id: '0', shape: [28, 28], channels: 1, quality });
    for (const options of [{}, { size: '2x' }, { region: 'y=3:9,x=4:20' }, { raw: true }])
      expect((await fn.decode(options)).values).toEqual((await session.decode(bytes, options)).values);
    expect(await fn.toBytes()).toEqual(bytes);
  });

  it('has the values of its samples where these stand, and differences between points as its derivatives say', async () => {
    const { bytes } = await session.encode(signals[1]!, { quality: 60, prior: 'factorized' });
    const fn = await session.open(bytes);
    const { values } = await fn.decode({ raw: true });
    const at = [3, 11, 27].flatMap((y) => [0, 14, 20].map((x) => [y, x] as const));
    const found = await fn.evaluate(at.flatMap(([y, x]) => [y + 0.5, x + 0.5]));
    at.forEach(([y, x], i) => {
      expect(found[i]).toBeCloseTo(values[28 * y + x]!, 5);
    });
    const point = [9.3, 12.8];
    const slope = await fn.derivative(point);
    const step = 0.01;
    for (const axis of [0, 1]) {
      const moved = (by: number) => point.map((x, a) => (a === axis ? x + by : x));
      const [high, low] = [await fn.evaluate(moved(step)), await fn.evaluate(moved(-step))];
      expect((high[0]! - low[0]!) / (2 * step)).toBeCloseTo(slope[axis]!, 3);
    }
  });

  it('of an archive is found by number and id, and comes out as the file it went in as', async () => {
    const { items, archive } = await session.encodeMany(signals.slice(0, 3), { ids: true });
    const names = signals.slice(0, 3).map(({ id }) => id);
    expect((await session.open(archive, { item: 2 })).id).toBe(names[2]);
    const found: string[] = [];
    for await (const fn of session.openEach(archive)) {
      expect(await fn.toBytes()).toEqual(items[found.length]!.bytes);
      found.push(fn.id);
    }
    expect(found).toEqual(names);
    expect(await (await session.open(archive, { id: names[1] })).toBytes()).toEqual(items[1]!.bytes);
  });

  it('of samples is asked by its plain fit and decodes to the samples', async () => {
    const { bytes, prior } = await session.encode(signals[2]!, { quality: 100 });
    expect(prior).toBe('samples');
    const fn = await session.open(bytes);
    expect((await fn.decode()).values).toEqual(signals[2]!.values);
    const [value] = await fn.evaluate([14, 14]);
    expect(Number.isFinite(value)).toBe(true);
  });

  it('is coded at another quality by another prior', async () => {
    const { bytes } = await session.encode(signals[0]!, { quality: 60, prior: 'factorized' });
    const fn = await session.open(bytes);
    const coarse = await fn.toBytes({ quality: 30, prior: 'histogram' });
    expect(session.inspect(coarse)).toMatchObject({ quality: 30, prior: 'histogram' });
    expect(coarse.length).toBeLessThan(bytes.length);
  });

  it('refuses points that are none and points outside', async () => {
    const fn = await session.open((await session.encode(signals[0]!)).bytes);
    await expect(fn.evaluate([1])).rejects.toMatchObject({ code: 'bad-coordinates' });
    await expect(fn.evaluate([])).rejects.toMatchObject({ code: 'bad-coordinates' });
    for (const x of [-0.1, 28.1, Number.NaN])
      await expect(fn.derivative([1, 1, x, 2])).rejects.toMatchObject({ code: 'outside-signal' });
  });
});
