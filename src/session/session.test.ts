import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { BadStreamError, ConflictError, FunctaError, LimitError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel, writeModel } from '../field/model.ts';
import { all, makeTinyModel } from '../jobs/testing.ts';
import type { Signal } from '../signal/signal.ts';
import { inlineWork, openSession, type Spent, spentOn } from './index.ts';
import type { EncodeOptions, EncodeTarget, Session } from './types.ts';
import type { DecodedModulation } from './work.ts';

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

describe('session', () => {
  it('codes a picture in bytes that decode to the PSNR it states', async () => {
    const encoded = await session.encode(signals[0]!);
    const decoded = await session.decode(encoded.bytes);
    expect(decoded.shape).toEqual([28, 28]);
    let sum = 0;
    decoded.values.forEach((v, i) => {
      sum += (v - signals[0]!.values[i]!) ** 2;
    });
    expect(-10 * Math.log10(sum / 784)).toBeCloseTo(encoded.psnrDb, 9);
    expect(encoded.psnrDb).toBeGreaterThan(12);
    expect(encoded.bitsPerPoint).toBe((8 * encoded.bytes.length) / 784);
    // every value is one of 256
    expect(decoded.values.every((v) => Math.fround(Math.round(v * 255) / 255) === v)).toBe(true);
  });

  it('states estimated bits that agree with the file within 0.1 % and 4 bytes', async () => {
    for (const quality of [30, 50, 80]) {
      const encoded = await session.encode(signals[1]!, { quality });
      const { headerBytes } = session.inspect(encoded.bytes);
      const payloadBytes = encoded.bytes.length - headerBytes;
      expect(Math.abs(payloadBytes - encoded.estimatedBits / 8)).toBeLessThan(payloadBytes / 1000 + 4);
    }
  });

  it('says where the bits of a file went: to its header, its levels, or samples', async () => {
    const total = (parts: readonly Spent[]) => parts.reduce((sum, { bits }) => sum + bits, 0);
    const encoded = await session.encode(signals[1]!);
    const parts = spentOn(encoded.bytes, model);
    expect(parts.map(({ on }) => on)).toEqual(['header', 'level 1', 'level 2', 'rest']);
    expect(parts[0]!.bits).toBe(8 * session.inspect(encoded.bytes).headerBytes);
    expect(parts[1]!.bits + parts[2]!.bits).toBeCloseTo(encoded.estimatedBits, 6);
    expect(total(parts)).toBeCloseTo(8 * encoded.bytes.length, 6);
    const holed = { ...signals[1]!, values: signals[1]!.values.slice() };
    holed.values.fill(Number.NaN, 300, 340);
    const masked = await session.encode(holed);
    expect(spentOn(masked.bytes, model).map(({ on }) => on)).toEqual([
      ...['header', 'mask', 'level 1', 'level 2', 'rest'],
    ]);
    expect(total(spentOn(masked.bytes, model))).toBeCloseTo(8 * masked.bytes.length, 6);
    const whole = spentOn((await session.encode(signals[1]!, { quality: 100 })).bytes, model);
    expect(whole.map(({ on }) => on)).toEqual(['header', 'samples']);
  });

  it('takes more bits and makes less error with quality, and less error with effort', async () => {
    const totals = async (options: { quality: number; effort?: number }) => {
      const { items } = await session.encodeMany(signals, options);
      return {
        bytes: items.reduce((sum, { bytes }) => sum + bytes.length, 0),
        mse: items.reduce((sum, { mse }) => sum + mse, 0),
      };
    };
    const low = await totals({ quality: 20 });
    const high = await totals({ quality: 70 });
    expect(high.bytes).toBeGreaterThan(low.bytes);
    expect(high.mse).toBeLessThan(low.mse);
    expect((await totals({ quality: 70, effort: 4 })).mse).toBeLessThan(high.mse);
  });

  it('reaches a PSNR with the lowest quality, and keeps under bytes with the highest', async () => {
    for (const effort of [1, 2, 3]) {
      const at = (quality: number) => session.encode(signals[2]!, { quality, effort });
      for (const quality of [35, 50, 72]) {
        const { psnrDb, bytes } = await at(quality);
        const reached = await session.encode(signals[2]!, { target: { psnrDb }, effort });
        expect(reached.psnrDb).toBeGreaterThanOrEqual(psnrDb);
        if (reached.quality > 1) expect((await at(reached.quality - 1)).psnrDb).toBeLessThan(psnrDb);
        const kept = await session.encode(signals[2]!, { target: { fileBytes: bytes.length }, effort });
        expect(kept.bytes.length).toBeLessThanOrEqual(bytes.length);
        expect(kept.bytes).toEqual((await at(kept.quality)).bytes);
        if (kept.quality < 100)
          expect((await at(kept.quality + 1)).bytes.length).toBeGreaterThan(bytes.length);
      }
    }
  });

  it('says what can be reached when a target cannot', async () => {
    const encode = (target: EncodeTarget) => session.encode(signals[0]!, { target });
    const best = await session.encode(signals[0]!, { quality: 100 });
    const smallest = await session.encode(signals[0]!, { quality: 1 });
    // Samples reach any PSNR; symbols of a prior that was asked for do not.
    expect((await encode({ psnrDb: 99 })).psnrDb).toBe(Number.POSITIVE_INFINITY);
    expect(best.psnrDb).toBe(Number.POSITIVE_INFINITY);
    const asked = { prior: 'factorized' } as const;
    const symbols = await session.encode(signals[0]!, { quality: 100, ...asked });
    await expect(session.encode(signals[0]!, { target: { psnrDb: 99 }, ...asked })).rejects.toMatchObject({
      code: 'target-out-of-reach',
      message: expect.stringContaining(`${symbols.psnrDb.toFixed(2)} dB`),
    });
    await expect(encode({ fileBytes: 3 })).rejects.toMatchObject({
      code: 'target-out-of-reach',
      message: expect.stringContaining(`takes ${smallest.bytes.length}`),
    });
    expect((await encode({ fileBytes: smallest.bytes.length })).bytes.length).toBe(smallest.bytes.length);
    await expect(encode({ psnrDb: Number.NaN })).rejects.toMatchObject({ code: 'target' });
  });

  it('takes a region by the names that the card gives axes', async () => {
    const { bytes } = await session.encode(signals[0]!);
    const axes = [{ name: 'latitude' }, { name: 'longitude' }];
    const named = openSession({ model: { ...model, card: { ...model.card, axes } }, engine });
    const part = await named.decode(bytes, { region: 'longitude=3:5,latitude=4:9' });
    expect(part).toEqual({ ...(await session.decode(bytes, { region: 'y=4:9,x=3:5' })), axes });
    await expect(named.decode(bytes, { region: 'x=3:5' })).rejects.toMatchObject({ code: 'bad-region' });
  });

  it('gives the same values at 4x whether whole, by region, by rows or point by point', async () => {
    const { bytes } = await session.encode(signals[0]!);
    const whole = await session.decode(bytes, { size: '4x', raw: true });
    expect(whole.shape).toEqual([112, 112]);
    const part = await session.decode(bytes, { size: '4x', region: '10,20,30,40', raw: true });
    expect(part.shape).toEqual([40, 30]);
    for (let y = 0; y < 40; y++) {
      for (let x = 0; x < 30; x++) {
        expect(part.values[y * 30 + x]).toBeCloseTo(whole.values[(y + 20) * 112 + x + 10]!, 5);
      }
    }
    const found = await inlineWork.decode(model, { bytes, item: 0, limits: defaultLimits });
    const { modulation } = found as DecodedModulation;
    const at = Float32Array.from([(20 + 0.5) / 4, (10 + 0.5) / 4]);
    const [one] = await engine.evaluate(model.network, [28, 28], modulation, {
      kind: 'list',
      coordinates: at,
    });
    expect(one! + 0.5).toBeCloseTo(whole.values[20 * 112 + 10]!, 5);
    const odd = await session.decode(bytes, { size: '3x', raw: true });
    const own = await session.decode(bytes, { raw: true });
    for (let i = 0; i < 28; i++)
      expect(odd.values[(3 * i + 1) * 84 + 3 * i + 1]).toBeCloseTo(own.values[i * 29]!, 5);
  });

  it('codes other sizes with the same model, down to a single pixel', async () => {
    for (const shape of [
      [1, 1],
      [3, 50],
      [64, 40],
    ]) {
      const values = Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => (i % 17) / 17);
      const encoded = await session.encode({ id: 'odd', shape, channels: 1, values });
      expect((await session.decode(encoded.bytes)).shape).toEqual(shape);
    }
  });

  it('codes many into one archive that decodes as the single files do, in fewer bytes', async () => {
    const { items, archive } = await session.encodeMany(signals, { batch: 3 });
    const single = items.reduce((sum, item) => sum + item.bytes.length, 0);
    expect(archive.length).toBeLessThan(single);
    const one = await session.encode(signals[5]!);
    // engines may sum in another order in a batch
    expect(one.psnrDb).toBeCloseTo(items[5]!.psnrDb, 1);
    expect(Math.abs(one.bytes.length - items[5]!.bytes.length)).toBeLessThanOrEqual(2);
    let i = 0;
    for await (const signal of session.decodeMany(archive)) {
      expect(signal.values).toEqual((await session.decode(items[i++]!.bytes)).values);
    }
    expect(i).toBe(signals.length);
    expect((await session.decode(archive, { item: 3 })).values).toEqual(
      (await session.decode(items[3]!.bytes)).values,
    );
  });

  it('chooses symbols with more effort that cost less, bits and error together', async () => {
    const options = { quality: 50, effort: 4 };
    const { items } = await session.encodeMany(signals, options);
    const plain = await session.encodeMany(signals, { quality: 50 });
    const cost = (found: typeof items) =>
      found.reduce((sum, { mse, estimatedBits }) => sum + 0.007 * 255 ** 2 * mse + estimatedBits / 784, 0);
    expect(cost(items)).toBeLessThan(cost(plain.items));
  });

  it('leaves missing values out of fit and PSNR, and refuses a signal with nothing else', async () => {
    const values = signals[0]!.values.slice();
    values.fill(Number.NaN, 100, 200);
    const encoded = await session.encode({ ...signals[0]!, values });
    expect(encoded.psnrDb).toBeGreaterThan(12);
    const nothing = new Float32Array(784).fill(Number.NaN);
    await expect(session.encode({ ...signals[0]!, values: nothing })).rejects.toMatchObject({
      code: 'no-observed-points',
    });
    const infinite = signals[0]!.values.slice();
    infinite[7] = Number.POSITIVE_INFINITY;
    await expect(session.encode({ ...signals[0]!, values: infinite })).rejects.toMatchObject({
      code: 'infinite-value',
    });
  });

  it('draws the same signals from the same seed, and a larger sample begins with the smaller', async () => {
    const a = await session.sample({ count: 3, seed: 7 });
    const b = await session.sample({ count: 3, seed: 7 });
    const more = await session.sample({ count: 5, seed: 7 });
    const other = await session.sample({ count: 3, seed: 8 });
    expect(a.archive).toEqual(b.archive);
    expect(a.signals.map((s) => s.values)).toEqual(more.signals.slice(0, 3).map((s) => s.values));
    expect(other.archive).not.toEqual(a.archive);
    let i = 0;
    for await (const signal of session.decodeMany(a.archive)) {
      expect(signal.values).toEqual(a.signals[i++]!.values);
    }
  });

  it('decodes an archive in one pass: functions that share a stream are decoded once', async () => {
    const { archive } = await session.sample({ count: 1000, seed: 3, decode: false });
    const seconds = async (work: () => unknown) => {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const each = () => {
      let items = 0;
      for (const { id, rows } of session.decodeEach(archive)) {
        expect(id).toBe(String(items++));
        if (items % 50 === 0) expect(rows.shape).toEqual([28, 28]);
      }
      expect(items).toBe(1000);
    };
    const one = () => session.decodeRows(archive, { item: 500 });
    each();
    await one();
    const ones = await seconds(async () => {
      for (let i = 0; i < 10; i++) await one();
    });
    // A thousand times one where each item is decoded by itself.
    expect(await seconds(each)).toBeLessThan(20 * ones);
  });

  it.each([
    ['channels', { channels: 3, values: new Float32Array(784 * 3) }, 'signal-channels'],
    ['axes', { shape: [784] }, 'signal-shape'],
    ['length', { values: new Float32Array(5) }, 'signal-length'],
  ])('refuses a signal of other %s', async (_, change, code) => {
    await expect(session.encode({ ...signals[0]!, ...change })).rejects.toMatchObject({
      code,
      kind: 'input',
    });
  });

  it.each([
    [{ quality: 0 }, 'quality'],
    [{ quality: 50.5 }, 'quality'],
    [{ effort: 0 }, 'bad-effort'],
    [{ prior: 'none' }, 'unknown-prior'],
    [{ prior: 'autoregressive' }, 'prior'],
  ])('refuses options %j', async (options, code) => {
    await expect(session.encode(signals[0]!, options as EncodeOptions)).rejects.toMatchObject({ code });
  });

  it('checks limits before it works', async () => {
    const small = openSession({ model, engine, limits: { ...defaultLimits, maxSamples: 100 } });
    await expect(small.encode(signals[0]!)).rejects.toBeInstanceOf(LimitError);
    const { bytes } = await session.encode(signals[0]!);
    await expect(small.decode(bytes)).rejects.toBeInstanceOf(LimitError);
    await expect(session.decode(bytes, { size: '100000x' })).rejects.toBeInstanceOf(LimitError);
    const slow = openSession({ model, engine, limits: { ...defaultLimits, maxMultiplyAdds: 1e6 } });
    await expect(slow.encode(signals[0]!)).rejects.toMatchObject({ code: 'limit-multiply-adds' });
    await expect(session.sample({ count: 1e9, seed: 0 })).rejects.toMatchObject({ code: 'limit-symbols' });
  });

  it('stops when it is told to', async () => {
    const { bytes } = await session.encode(signals[0]!);
    const signal = AbortSignal.abort();
    await expect(session.decode(bytes, { signal })).rejects.toMatchObject({ kind: 'aborted' });
    await expect(session.encode(signals[0]!, { signal })).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('names both models when a file is of another one', async () => {
    const { bytes } = await session.encode(signals[0]!);
    const changed = readModel(writeModel({ ...model, card: { ...model.card, notes: 'another' } }));
    const failure = openSession({ model: changed, engine }).decode(bytes);
    await expect(failure).rejects.toBeInstanceOf(ConflictError);
    await expect(failure).rejects.toThrow(model.id.slice(0, 6));
    await expect(failure).rejects.toThrow(changed.id.slice(0, 6));
  });

  it('gives a tagged error for every flipped bit and every cut of a file', async () => {
    const { bytes } = await session.encode(signals[3]!, { quality: 30 });
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.slice();
      flipped[i]! ^= 1 << (i % 8);
      await expect(
        inlineWork.decode(model, { bytes: flipped, item: 0, limits: defaultLimits }),
      ).rejects.toBeInstanceOf(FunctaError);
      await expect(session.decode(bytes.slice(0, i))).rejects.toBeInstanceOf(BadStreamError);
    }
  });
});
