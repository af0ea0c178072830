import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeAffine, readHeader, sectionIds, withSections } from '../../codec/index.ts';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import { defaultLimits } from '../core/limits.ts';
import { openEngine } from '../engine/index.ts';
import { type Model, readModel, writeModel } from '../field/model.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../query/index.ts';
import type { Signal } from '../signal/signal.ts';
import { plainFit } from './modulation.ts';
import { functionOfFile } from './put.ts';
import { openSession } from './session.ts';
import { openFunctasetOf } from './store.ts';
import { verify } from './verify.ts';

/** The test model of maps, as one that was learnt over 0 to 1 and has no unit. */
function unitless(): Model {
  const model = modelOfKind('map');
  const output = { name: 'value', offset: 0.5, scale: 1, low: 0, peak: 1, sample: 'float32' } as const;
  return readModel(writeModel({ ...model, card: { ...model.card, outputs: [output] } }));
}

const model = unitless();
const engine = await openEngine('native', { threads: 1 });
const session = openSession({ model, engine });
const kelvin = kinds.map.signal(40);
const present = kelvin.values.filter((v) => !Number.isNaN(v));
const [least, most] = [Math.min(...present), Math.max(...present)];
const range = most - least;
const unit: Signal = { ...kelvin, values: kelvin.values.map((v) => (v - least) / range) };

it('a signal that is asked and not coded is fitted over its own range, as its function is', async () => {
  for (const scale of [1, 0.1]) {
    const values = kelvin.values.map((v) => scale * (v - 273.15));
    const asked = await plainFit({ model, engine }, { ...kelvin, values });
    const own = await plainFit({ model, engine }, unit);
    asked.modulation.forEach((v, i) => void expect(v).toBeCloseTo(own.modulation[i]!, 3));
  }
});

describe('a signal on another scale than a model without a unit', () => {
  it('is taken over its own range, and comes back in its units with what is missing', async () => {
    const coded = await session.encode(kelvin, { quality: 60, effort: 2 });
    const decoded = await session.decode(coded.bytes);
    expect([...decoded.values].map(Number.isNaN)).toEqual([...kelvin.values].map(Number.isNaN));
    const found = await verify(session, coded.bytes, kelvin);
    expect(found.maxError[0]).toBeCloseTo(coded.maxError[0]!, 3);
    expect(coded.psnrDb).toBeCloseTo(20 * Math.log10(range / coded.rmse[0]!), 3);
    expect(coded.psnrDb).toBeGreaterThan(18);
    // The two numbers, and what stands around them: a map from 0 to 1 has the same stream.
    const same = await session.encode(unit, { quality: 60, effort: 2 });
    expect(coded.bytes.length - same.bytes.length).toBe(18);
    expect(coded.psnrDb).toBeCloseTo(same.psnrDb, 2);
    expect(withSections(coded.bytes, [])).toEqual(withSections(same.bytes, []));
  });

  it('is asked in its units: values, derivatives, other sizes, and coded anew', async () => {
    const { bytes } = await session.encode(kelvin, { quality: 60, prior: 'factorized' });
    const fn = await session.open(bytes);
    const at = [3.25, 14.5];
    const [value] = await fn.evaluate(at);
    expect(value).toBeGreaterThan(least - range / 4);
    const h = 1e-2;
    const slope = await fn.derivative(at);
    for (const axis of [0, 1]) {
      const moved = (by: number) => at.map((x, a) => (a === axis ? x + by : x));
      const [up, down] = [await fn.evaluate(moved(h)), await fn.evaluate(moved(-h))];
      expect(Math.abs((up[0]! - down[0]!) / (2 * h) - slope[axis]!)).toBeLessThan(0.02 * range);
    }
    expect(fn.model.card.outputs[0]!.low).toBeCloseTo(least, 6);
    const named = { ...kelvin, outputs: [{ ...model.card.outputs[0]!, name: 'air', unit: 'K' }] };
    const told = (await session.open((await session.encode(named)).bytes)).model.card.outputs[0]!;
    expect(told).toMatchObject({ name: 'air', unit: 'K' });
    expect(told.low).toBeCloseTo(least, 6);
    const rows = fn.rows({ size: '2x' });
    expect(rows.outputs).toEqual(fn.model.card.outputs);
    const again = await session.decode(await fn.toBytes({ quality: fn.quality, prior: 'histogram' }));
    const own = await session.decode(bytes);
    own.values.forEach((v, i) => {
      if (!Number.isNaN(v)) expect(Math.abs(again.values[i]! - v)).toBeLessThan(1e-3);
    });
  });

  it('is so as samples, too, and as their plain fit', async () => {
    const whole = { ...kelvin, values: kelvin.values.map((v) => (Number.isNaN(v) ? 290 : v)) };
    const { bytes } = await session.encode(whole, { quality: 100 });
    const fn = await session.open(bytes);
    expect(fn.kind).toBe('samples');
    const at = [3.5, 14.5];
    const own = whole.values[3 * 24 + 14]!;
    expect(Math.abs((await fn.evaluate(at))[0]! - own)).toBeLessThan(range / 4096);
    expect((await fn.decode()).values[3 * 24 + 14]).toBe((await fn.evaluate(at))[0]);
    const fitted = await fn.fitted();
    const [value] = await fitted.evaluate(at);
    expect(Math.abs(value! - own)).toBeLessThan(range / 2);
    const again = await session.open(await fitted.toBytes());
    expect(Math.abs((await again.evaluate(at))[0]! - value!)).toBeLessThan(range / 10);
  });

  it('keeps a bound in its units, on the engine that coded it and on another', async () => {
    const coded = await session.encode(kelvin, { maxError: 0.25 });
    expect(coded.maxError[0]).toBeLessThanOrEqual(0.25);
    for (const name of ['wasm', 'native'] as const) {
      const other = openSession({ model, engine: await openEngine(name, { threads: 1 }) });
      expect(await verify(other, coded.bytes, kelvin, { maxError: 0.25 })).toMatchObject({
        ...{ beyond: 0, missingApart: 0, missing: 9 },
      });
    }
  });

  it('has a place in archives, beside signals on the scale of the card', async () => {
    const { items, archive } = await session.encodeMany([unit, kelvin]);
    expect(items[0]!.bytes).toEqual((await session.encode(unit)).bytes);
    const decoded: Signal[] = [];
    for await (const one of session.decodeMany(archive)) decoded.push(one);
    expect(decoded.map(({ values }) => [...values])).toEqual(
      await Promise.all(items.map(async ({ bytes }) => [...(await session.decode(bytes)).values])),
    );
    expect(decoded[1]!.values[0]! - (least + range * decoded[0]!.values[0]!)).toBeLessThan(1e-3);
  });

  it.each<[string, (v: number) => number]>([
    ['far below 1', (v) => 1e-9 * (v - least)],
    ['below 0', (v) => -v],
    ['constant', () => 1013.25],
    ['as large as numbers are', (v) => 1e36 * (v - 280)],
  ])('%s', async (_, map) => {
    const values = kelvin.values.map((v) => (Number.isNaN(v) ? v : map(v)));
    const own = values.filter((v) => !Number.isNaN(v));
    const size = Math.max(...own) - Math.min(...own) || 1;
    const { bytes } = await session.encode({ ...kelvin, values }, { quality: 60 });
    const found = await session.decode(bytes);
    found.values.forEach((v, i) => {
      if (!Number.isNaN(v)) expect(Math.abs(v - values[i]!) / size).toBeLessThan(0.75);
    });
  });

  it('in a functaset is near to others in its units, whatever range each is over', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'functa-near-'));
    const store = await openFunctasetOf(model, join(directory, 'set'));
    try {
      const warmer = { ...kelvin, values: kelvin.values.map((v) => v + 7) };
      const stretched = { ...kelvin, values: kelvin.values.map((v) => least + 2 * (v - least)) };
      const stored = { kelvin, warmer, stretched };
      for (const [id, signal] of Object.entries(stored)) {
        const { bytes, shape, psnrDb } = await session.encode(signal, { quality: 70 });
        await store.put({ id, shape, psnrDb, bits: 1, content: { kind: 'file', bytes } });
      }
      const indexes = new NearIndexes({ store, model, engine });
      const readSignal = () => Promise.reject(new Error('no file is read here'));
      const context = { model, store, engine, indexes, limits: defaultLimits, readSignal };
      const ask = async (request: object) => {
        const answer = await collectAnswer(await runQuery(context, parseQuery({ kind: 'near', ...request })));
        return answer.items as { id: string; distance: number; start?: number[] }[];
      };
      const [first] = await ask({ id: 'kelvin' });
      expect(first).toMatchObject({ id: 'warmer' });
      expect(first!.distance).toBeCloseTo(7, 1);
      const { shape } = kelvin;
      const numbers = Array.from(kelvin.values, (v) => (Number.isNaN(v) ? null : v));
      for (const anywhere of [false, true]) {
        const items = await ask({ signal: { shape, values: numbers }, anywhere });
        expect(items.map(({ id }) => id)).toEqual(['kelvin', 'warmer', 'stretched']);
        expect(items[0]!.distance).toBeLessThan(range / 8);
        expect(Math.abs(items[1]!.distance - 7)).toBeLessThan(range / 8);
      }
    } finally {
      await store.close();
      rmSync(directory, { recursive: true });
    }
  });

  it('in a functaset is evaluated, aggregated and selected in its units', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'functa-own-range-'));
    const store = await openFunctasetOf(model, join(directory, 'maps'));
    try {
      const { bytes } = await session.encode(kelvin, { quality: 60, steps: 'asked' });
      await store.putMany([functionOfFile(model, bytes, { id: 'kelvin' })]);
      const indexes = new NearIndexes({ store, model, engine });
      const readSignal = () => Promise.reject(new Error('no file is read here'));
      const context = { model, store, engine, indexes, limits: defaultLimits, readSignal };
      const ask = async (request: unknown) => {
        const answer = await collectAnswer(await runQuery(context, parseQuery(request)));
        return answer.items as { values: number[][] & number[]; derivatives: number[][][] }[];
      };
      const fn = await session.open(bytes);
      const at = [3.25, 14.5];
      const [value, slope] = [await fn.evaluate(at), await fn.derivative(at)];
      const [plain] = await ask({ kind: 'evaluate', coordinates: [at] });
      expect(plain!.values[0]![0]).toBeCloseTo(value[0]!, 3);
      const [exact] = await ask({ kind: 'evaluate', coordinates: [at], derivatives: true });
      expect(exact!.values[0]![0]).toBeCloseTo(value[0]!, 2);
      expect(exact!.derivatives[0]![0]![1]).toBeCloseTo(slope[1]!, 6);
      const [mean] = await ask({ kind: 'aggregate' });
      expect(Math.min(...(mean!.values as number[]))).toBeGreaterThan(least - range);
      const above = { statistic: 'mean', channel: 0, above: least };
      expect(await ask({ kind: 'where', filter: { field: [above] } })).toHaveLength(1);
    } finally {
      await store.close();
      rmSync(directory, { recursive: true });
    }
  });
});

it('a signal on the scale of the card has a file of version 1, and a model of a unit takes no other', async () => {
  const whole = { ...unit, values: unit.values.map((v) => (Number.isNaN(v) ? 0.5 : 1.4 * v)) };
  const { bytes } = await session.encode(whole, { prior: 'factorized' });
  expect(readHeader(bytes).version).toBe(1);
  const ofUnit = openSession({ model: modelOfKind('map'), engine });
  const values = kelvin.values.map((v) => 100 * v);
  await expect(ofUnit.encode({ ...kelvin, values })).rejects.toMatchObject({ code: 'signal-range' });
});

it.each([
  ['of another length', new Uint8Array(15)],
  ['of a scale of 0', encodeAffine([{ offset: 1, scale: 0 }])],
  ['of an offset that is not finite', encodeAffine([{ offset: Number.NaN, scale: 1 }])],
])('a section %s is refused', async (_, bytes) => {
  const coded = await session.encode(unit);
  const bad = withSections(coded.bytes, [{ id: sectionIds.affine, bytes }]);
  await expect(session.decode(bad)).rejects.toMatchObject({ code: 'sections' });
  await expect(session.open(bad)).rejects.toMatchObject({ code: 'sections' });
});
