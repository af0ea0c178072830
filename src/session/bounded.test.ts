import { describe, expect, it, test } from 'vitest';
import { readHeader, sectionIds, sectionOf } from '../../codec/index.ts';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import { Rng } from '../core/rng.ts';
import { openEngine } from '../engine/index.ts';
import type { Signal } from '../signal/signal.ts';
import { openSession } from './session.ts';

const model = modelOfKind('map');
const map = kinds.map.signal(40);
const engine = await openEngine('native', { threads: 1 });
const session = openSession({ model, engine });

/** Values further off than the bound, and values that are missing on one side alone. */
function beyond(signal: Signal, decoded: Signal, bound: number): number {
  let count = 0;
  signal.values.forEach((v, i) => {
    const d = decoded.values[i]!;
    if (Number.isNaN(v) !== Number.isNaN(d) || Math.abs(v - d) > bound) count++;
  });
  return count;
}

const present = map.values.filter((v) => !Number.isNaN(v));
const range = Math.max(...present) - Math.min(...present);

describe('a bound on the error', () => {
  it('holds at every value on every engine, and missing values come back', async () => {
    const engines = await Promise.all(
      (['native', 'wasm', 'tfjs', 'reference'] as const).map((name) => openEngine(name, { threads: 1 })),
    );
    let bytes = Number.POSITIVE_INFINITY;
    for (const share of [0.1, 1, 10]) {
      // Of the field, which engines compute: what samples are is no matter of an engine.
      const encoded = await session.encode(map, { maxError: `${share}%`, prior: 'factorized' });
      const bound = (share / 100) * range;
      expect(encoded.maxError[0]).toBeLessThanOrEqual(bound);
      expect(encoded.bytes.length).toBeLessThan(bytes);
      bytes = encoded.bytes.length;
      for (const own of engines) {
        const decoded = await openSession({ model, engine: own }).decode(encoded.bytes);
        expect(beyond(map, decoded, bound), `${own.name} at ${share}%`).toBe(0);
      }
    }
  });

  it('is a number in the unit, too; the field serves regions and other sizes, and the archive keeps all', async () => {
    const { bytes } = await session.encode(map, { maxError: 0.5 });
    const decoded = await session.decode(bytes);
    expect(beyond(map, decoded, 0.5)).toBe(0);
    const part = await session.decode(bytes, { region: 'longitude=3:9,latitude=2:7' });
    const cut = [2, 3, 4, 5, 6].flatMap((y) => [...decoded.values.slice(24 * y + 3, 24 * y + 9)]);
    expect([...part.values]).toEqual(cut);
    const large = await session.decode(bytes, { size: '2x' });
    expect(large.values.filter(Number.isNaN).length).toBe(4 * decoded.values.filter(Number.isNaN).length);
    const opened = await session.open(bytes);
    expect((await opened.decode()).values).toEqual(decoded.values);
  });

  it.each<[string, Signal, number | `${number}%`]>([
    ['below what float32 holds', map, 1e-6],
    ['of no size', map, 0],
    ['that is no share', map, '1' as '1%'],
    ['of values without a range', { ...map, values: map.values.map(() => 280) }, '1%'],
  ])('is refused: %s', async (_, signal, maxError) => {
    await expect(session.encode(signal, { maxError })).rejects.toMatchObject({ code: 'max-error' });
  });

  it('is refused for pictures, whose samples are whole numbers', async () => {
    const pictures = openSession({ model: modelOfKind('picture'), engine });
    await expect(pictures.encode(kinds.picture.signal(1), { maxError: 0.1 })).rejects.toMatchObject({
      code: 'max-error',
    });
  });
});

test('missing values come back from files and archives; a signal without any has a file of version 1', async () => {
  const whole = { ...map, values: map.values.map((v) => (Number.isNaN(v) ? 280 : v)) };
  const { items, archive } = await session.encodeMany([map, whole]);
  expect(items.map(({ bytes }) => readHeader(bytes).version)).toEqual([3, 1]);
  const header = readHeader(items[0]!.bytes);
  expect(header.container === 'file' && sectionOf(header.sections, 'mask')!.length).toBeLessThan(24);
  const missing = [...map.values].map(Number.isNaN);
  const decoded: Signal[] = [];
  for await (const one of session.decodeMany(archive)) decoded.push(one);
  expect(decoded.map(({ values }) => [...values].map(Number.isNaN))).toEqual([
    missing,
    missing.map(() => false),
  ]);
  expect([...(await session.decode(items[0]!.bytes)).values].map(Number.isNaN)).toEqual(missing);
});

describe('a function with sections, coded anew', () => {
  const ids = (bytes: Uint8Array) => {
    const header = readHeader(bytes);
    return header.container === 'file' ? (header.sections ?? []).map(({ id }) => id) : [];
  };

  it('keeps what its file says of the signal, and its residual where its field is the same', async () => {
    // A prior is named: the file is the field's, whatever samples would take.
    const { bytes } = await session.encode(map, { maxError: '0.5%', prior: 'factorized' });
    const own = ids(bytes);
    expect(own).toEqual(expect.arrayContaining([sectionIds.mask, sectionIds.residual]));
    const fn = await session.open(bytes);
    const bound = 0.005 * range;
    const recoded = await fn.toBytes({ quality: fn.quality, prior: 'histogram' });
    expect(ids(recoded)).toEqual(own);
    expect(beyond(map, await session.decode(recoded), bound)).toBe(0);
    const coarse = await fn.toBytes({ quality: Math.max(1, fn.quality - 5) });
    expect(ids(coarse)).toEqual(own.filter((id) => id !== sectionIds.residual));
    expect(missing(await session.decode(coarse))).toEqual(missing(map));
  });
});

it('what the network does not say is held in samples whose steps keep the bound by themselves', async () => {
  const rng = new Rng(5);
  const plateaus = Array.from({ length: 24 }, () => 260 + 40 * rng.uniform());
  const values = map.values.map((v, p) =>
    Number.isNaN(v) ? v : plateaus[6 * Math.floor(p / 72) + Math.floor((p % 24) / 4)]!,
  );
  const blocks: Signal = { ...map, id: 'blocks', values };
  const { bytes, prior, maxError } = await session.encode(blocks, { maxError: 0.2 });
  const field = await session.encode(blocks, { maxError: 0.2, prior: 'factorized' });
  expect(prior).toBe('samples');
  expect(bytes.length).toBeLessThan(field.bytes.length);
  expect(maxError[0]).toBeGreaterThan(0.1);
  const decoded = await session.decode(bytes);
  expect(beyond(blocks, decoded, 0.2)).toBe(0);
  expect(missing(decoded)).toEqual(missing(map));
});

function missing({ values }: Signal): number[] {
  return [...values].flatMap((v, i) => (Number.isNaN(v) ? i : []));
}

it('a bound holds for each of several single files, and an archive has none', async () => {
  const signals = [map, { ...kinds.map.signal(41), id: 'other' }];
  const options = { maxError: 0.5, archive: false } as const;
  const { items } = await session.encodeMany(signals, options);
  for (const [i, { bytes }] of items.entries())
    expect(beyond(signals[i]!, await session.decode(bytes), 0.5)).toBe(0);
  await expect(session.encodeMany(signals, { maxError: 0.5 })).rejects.toMatchObject({ code: 'max-error' });
});
