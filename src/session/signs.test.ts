import { describe, expect, it } from 'vitest';
import { readHeader } from '../../codec/index.ts';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import { openEngine } from '../engine/index.ts';
import type { Signal } from '../signal/signal.ts';
import { openSession } from './session.ts';
import { verify } from './verify.ts';

const model = modelOfKind('map');
const engine = await openEngine('native', { threads: 1 });
const session = openSession({ model, engine });
const warm = kinds.map.signal(40);
const present = warm.values.filter((v) => !Number.isNaN(v));
const mean = present.reduce((sum, v) => sum + v / present.length, 0);
/** Half of it below 0, and some values missing. */
const map: Signal = { ...warm, values: warm.values.map((v) => v - mean) };

/** Samples on the other side of 0, or missing on one side alone. */
function apart(signal: Signal, decoded: Signal): number {
  const side = (v: number) => (Number.isNaN(v) ? Number.NaN : v < 0);
  return signal.values.reduce((n, v, i) => n + Number(!Object.is(side(v), side(decoded.values[i]!))), 0);
}

describe('signs that are kept', () => {
  it('are those of every sample on every engine, missing values come back, and facts are of what is decoded', async () => {
    const plain = await session.encode(map, { quality: 10, effort: 1, prior: 'factorized' });
    expect(apart(map, await session.decode(plain.bytes))).toBeGreaterThan(0);
    const kept = await session.encode(map, { quality: 10, effort: 1, keepSigns: true, prior: 'factorized' });
    for (const name of ['native', 'wasm', 'tfjs', 'reference'] as const) {
      const own = openSession({ model, engine: await openEngine(name, { threads: 1 }) });
      expect(apart(map, await own.decode(kept.bytes)), name).toBe(0);
    }
    const { maxError } = await verify(session, kept.bytes, map);
    expect(kept.maxError[0]! / maxError[0]!).toBeCloseTo(1, 4);
    expect(kept.bytes.length).toBeGreaterThan(plain.bytes.length);
  });

  it('stay in regions, in another function of the signal, and nowhere between samples', async () => {
    const { bytes } = await session.encode(map, { quality: 10, keepSigns: true, prior: 'factorized' });
    const fn = await session.open(bytes);
    const region = await fn.decode({ region: { start: [2, 3], count: [4, 5] } });
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 5; x++) {
        const was = map.values[(y + 2) * map.shape[1]! + x + 3]!;
        if (!Number.isNaN(was)) expect(region.values[y * 5 + x]! < 0).toBe(was < 0);
      }
    const other = await fn.toBytes({ quality: 30 });
    expect(apart(map, await session.decode(other))).toBe(0);
    const plain = await session.open((await session.encode(map, { quality: 10, prior: 'factorized' })).bytes);
    const twice = { size: '2x' } as const;
    expect((await fn.decode(twice)).values).toEqual((await plain.decode(twice)).values);
  });

  it('cost nothing where the field has them', async () => {
    const least = Math.min(...present);
    const above: Signal = {
      ...warm,
      values: warm.values.map((v) => (Number.isNaN(v) ? 0 : v - least) + 100),
    };
    const { bytes } = await session.encode(above, { quality: 60, keepSigns: true, prior: 'factorized' });
    expect(readHeader(bytes).version).toBe(1);
  });

  it('are refused with a bound, in archives, and of whole samples', async () => {
    const refused = { code: 'keep-signs' };
    await expect(session.encode(map, { keepSigns: true, maxError: 1 })).rejects.toMatchObject(refused);
    await expect(session.encodeMany([map], { keepSigns: true })).rejects.toMatchObject(refused);
    const { items } = await session.encodeMany([map], { keepSigns: true, archive: false, quality: 10 });
    expect(apart(map, await session.decode(items[0]!.bytes))).toBe(0);
    const pictures = openSession({ model: modelOfKind('picture'), engine });
    const picture = kinds.picture.signal(40);
    await expect(pictures.encode(picture, { keepSigns: true })).rejects.toMatchObject(refused);
  });
});
