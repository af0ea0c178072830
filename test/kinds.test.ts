/** What sessions, functasets and queries make of every kind of signal. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withSections } from '../codec/index.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { type Engine, openEngine } from '../src/engine/index.ts';
import { pointCount, unravel } from '../src/field/spec.ts';
import type { Functaset } from '../src/functaset/index.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../src/query/index.ts';
import { openSession, type Session } from '../src/session/index.ts';
import { openFunctasetOf } from '../src/session/store.ts';
import { errorAgainst } from '../src/signal/errors.ts';
import { kindNames, kinds, modelOfKind } from './kinds.ts';

let engine: Engine;
let directory: string;
beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  directory = mkdtempSync(join(tmpdir(), 'functa-kinds-'));
});
afterAll(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

describe.each(kindNames)('a %s', (name) => {
  const kind = kinds[name];
  const [output] = kind.outputs as [(typeof kind.outputs)[number]];
  const signal = kind.signal(30);
  let session: Session;
  beforeAll(() => {
    session = openSession({ model: modelOfKind(name), engine });
  });

  it('has a model whose card says what its values are', () => {
    expect(session.model.card.outputs).toEqual(kind.outputs);
    expect(session.model.card.axes).toEqual(kind.axes);
  });

  it('is decoded to values of its unit, with errors of its peak, by its weights, where it has values', async () => {
    const coded = await session.encode(signal, { quality: 60, effort: 2 });
    const decoded = await session.decode(coded.bytes);
    expect(decoded.shape).toEqual(kind.shape);
    let [sum, mass, most] = [0, 0, 0];
    signal.values.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      const row = Math.floor(i / 24);
      const weight = name === 'map' ? Math.cos((Math.PI / 180) * (-82.5 + 15 * row)) : 1;
      const off = decoded.values[i]! - value;
      sum += weight * off * off;
      mass += weight;
      most = Math.max(most, Math.abs(off));
    });
    const rmse = Math.sqrt(sum / mass);
    expect(coded.psnrDb).toBeCloseTo(20 * Math.log10(output.peak / rmse), 3);
    expect(coded.psnrDb).toBeGreaterThan(18);
    if (kind.outputs.length === 1) {
      expect(coded.rmse[0]).toBeCloseTo(rmse, 4);
      expect(coded.maxError[0]).toBeCloseTo(most, 4);
    }
    // missing values come back as missing; what the field says there is near what is around it
    expect([...decoded.values].map(Number.isNaN)).toEqual([...signal.values].map(Number.isNaN));
    const field = await session.decode(withSections(coded.bytes, []));
    expect(field.values.every(Number.isFinite)).toBe(true);
    expect(Math.min(...field.values)).toBeGreaterThan(output.low - output.peak);
    expect(Math.max(...field.values)).toBeLessThan(output.low + 2 * output.peak);
  });

  it('is decoded in the samples that its card says, unless raw', async () => {
    const { bytes } = await session.encode(signal, { quality: 50 });
    const { values } = await session.decode(bytes);
    const raw = (await session.decode(bytes, { raw: true })).values;
    const perUnit = { uint8: 255, int16: 32768, float32: undefined }[output.sample];
    if (perUnit === undefined) expect(values).toEqual(raw);
    else {
      expect(values).not.toEqual(raw);
      for (const v of values) expect(Math.abs(v * perUnit - Math.round(v * perUnit))).toBeLessThan(1e-2);
    }
  });

  it('meets targets of PSNR and of bytes', async () => {
    const easy = await session.encode(signal, { quality: 20 });
    const wanted = easy.psnrDb + 2;
    const better = await session.encode(signal, { target: { psnrDb: wanted } });
    expect(better.psnrDb).toBeGreaterThanOrEqual(wanted);
    const fileBytes = better.bytes.length - 5;
    const smaller = await session.encode(signal, { target: { fileBytes } });
    expect(smaller.bytes.length).toBeLessThanOrEqual(fileBytes);
  });

  it('on another scale is refused, with the unit', async () => {
    const values = signal.values.map((v) => 300 * (v - output.low) + 1000);
    await expect(session.encode({ ...signal, values })).rejects.toMatchObject({ code: 'signal-range' });
    if (output.unit !== undefined)
      await expect(session.encode({ ...signal, values })).rejects.toThrow(` ${output.unit};`);
  });

  it('counts points by weights of its own, and refuses weights that are none', async () => {
    const weights = new Float32Array(signal.values.length / signal.channels).fill(1);
    const half = weights.length / 2;
    const left = weights.map((_, p) => Number(p < half));
    const coded = await session.encode({ ...signal, weights: left }, { quality: 55, effort: 2 });
    const decoded = await session.decode(coded.bytes, {});
    const { card } = session.model;
    const whole = errorAgainst(card, { ...signal, weights }, decoded.values);
    expect(coded.mse).toBeLessThan(whole.mse);
    const bad = { ...signal, weights: weights.map((_, p) => (p === 3 ? -1 : 1)) };
    await expect(session.encode(bad)).rejects.toMatchObject({ code: 'bad-weight' });
  });

  describe('in a functaset', () => {
    let store: Functaset;
    const count = 12;
    beforeAll(async () => {
      store = await openFunctasetOf(session.model, join(directory, name));
      const signals = Array.from({ length: count }, (_, i) => kind.signal(i));
      const { items } = await session.encodeMany(signals, { quality: 60, steps: 'asked', archive: false });
      await store.putMany(
        items.map(({ bytes, shape, psnrDb, estimatedBits }, i) => ({
          ...{ id: signals[i]!.id, shape, psnrDb, bits: estimatedBits },
          content: { kind: 'file', bytes },
        })),
      );
    });
    afterAll(() => store.close());

    const ask = async (request: unknown) => {
      const { model } = session;
      const indexes = new NearIndexes({ store, model, engine });
      const readSignal = () => Promise.reject(new Error('no file is read here'));
      const context = { model, store, engine, indexes, limits: defaultLimits, readSignal };
      const answer = await collectAnswer(await runQuery(context, parseQuery(request)));
      return answer as Record<string, unknown> & { items: Record<string, unknown>[] };
    };

    it('is evaluated and aggregated in its unit', async () => {
      const point = kind.shape.map((n) => n / 2);
      const { items } = await ask({ kind: 'evaluate', coordinates: [point] });
      expect(items).toHaveLength(count);
      for (const { values } of items as { values: number[][] }[])
        for (const v of values[0]!) {
          expect(v).toBeGreaterThan(output.low - output.peak / 2);
          expect(v).toBeLessThan(output.low + 1.5 * output.peak);
        }
      const { items: statistics } = await ask({ kind: 'aggregate' });
      const mean = statistics.find(({ statistic }) => statistic === 'mean') as { values: number[] };
      const average = mean.values.reduce((sum, v) => sum + v, 0) / mean.values.length;
      expect(average).toBeGreaterThan(output.low);
      expect(average).toBeLessThan(output.low + output.peak);
    });

    it('is nearest to itself, at a distance in its unit', async () => {
      const { items } = await ask({ kind: 'near', id: `${name}-3`, k: 5 });
      expect(items.map(({ id }) => id)).not.toContain(`${name}-3`);
      const decoded = async (id: unknown) => {
        const { content } = store.get(id as string)!;
        if (content.kind !== 'file') throw new Error('every function here is a file');
        // The field is asked, whatever is missing.
        return (await session.decode(withSections(content.bytes, []), { raw: true })).values;
      };
      const [own, other] = [await decoded(`${name}-3`), await decoded(items[0]!.id)];
      const squares = own.reduce((sum, v, i) => sum + (v - other[i]!) ** 2, 0);
      expect(items[0]!.distance as number).toBeCloseTo(Math.sqrt(squares / own.length), 3);
      const signal = kind.signal(3);
      const values = Array.from(signal.values, (v) => (Number.isNaN(v) ? null : v));
      const { items: like } = await ask({ kind: 'near', signal: { shape: kind.shape, values }, k: 3 });
      expect(like[0]).toMatchObject({ id: `${name}-3` });
      expect(like[0]!.distance as number).toBeLessThan(output.peak / 8);
      expect(like[1]!.distance as number).toBeGreaterThan(like[0]!.distance as number);
    });

    it('has a fragment of a signal where that was cut from, around a circle too', async () => {
      const { shape, channels, values } = kind.signal(3);
      const wraps = kind.axes.at(-1)!.wraps === true;
      const count = shape.map((n) => Math.floor(n / 2));
      // of a circle across its ends
      const start = shape.map((n, axis) => (wraps && axis === shape.length - 1 ? n - 3 : Math.floor(n / 3)));
      const cut = Array.from({ length: pointCount(count) * channels }, (_, i) => {
        const at = unravel(count, Math.floor(i / channels)).map(
          (x, axis) => (x + start[axis]!) % shape[axis]!,
        );
        const p = at.reduce((index, x, axis) => index * shape[axis]! + x, 0);
        const value = values[p * channels + (i % channels)]!;
        return Number.isNaN(value) ? null : value;
      });
      const found = await ask({ kind: 'near', signal: { shape: count, values: cut }, anywhere: true, k: 2 });
      expect(found.items[0]).toMatchObject({ id: `${name}-3`, start });
      expect(found.items[0]!.distance as number).toBeLessThan(output.peak / 8);
    });

    it('is selected by what its field is in its unit', async () => {
      const all = await ask({ kind: 'where' });
      const above = { statistic: 'mean', channel: 0, above: output.low + output.peak / 2 };
      const below = { statistic: 'mean', channel: 0, below: output.low + output.peak / 2 };
      const some = await ask({ kind: 'where', filter: { field: [above] } });
      const others = await ask({ kind: 'where', filter: { field: [below] } });
      expect(some.items.length + others.items.length).toBe(all.items.length);
    });
  });
});
