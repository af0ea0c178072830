import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeTinyModel, tinyModels } from '../../test/conformance/tiny-models.ts';
import { temporary } from '../../test/temporary.ts';
import { defaultLimits } from '../core/limits.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/index.ts';
import { readModel } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { type Functaset, openFunctaset, type StoredFunction } from '../functaset/index.ts';
import { testFunction, testNetwork } from '../functaset/testing.ts';
import { keptBeside } from './kept-file.ts';
import { mapFunctions } from './map.ts';

const model = readModel(makeTinyModel(tinyModels[0]!));
const { spec, shape } = model.card;
const m = modulationLength(spec, shape);
// modulations are laid out as they are: nothing is evaluated
const engine = {} as Engine;

/** Functions around two places that lie `apart` along all numbers, those of odd number at the second. */
function twoHeaps(count: number, apart = 8): StoredFunction[] {
  const rng = new Rng(3);
  return Array.from({ length: count }, (_, i) => ({
    id: `f${String(i).padStart(3, '0')}`,
    label: i % 2,
    psnrDb: 30,
    bits: 100,
    shape,
    content: {
      kind: 'modulation',
      quality: 50,
      values: Float32Array.from({ length: m }, () => apart * (i % 2) + rng.normal()),
    },
  }));
}

function storeOf(functions: readonly StoredFunction[]): Functaset {
  return { count: functions.length, iterate: () => functions } as unknown as Functaset;
}

function mapOf(functions: readonly StoredFunction[], limit = 1000) {
  return mapFunctions({ store: storeOf(functions), model, engine, limits: defaultLimits }, { limit });
}

test('alike functions stand near each other, within the square, in the order of the store', async () => {
  const functions = twoHeaps(200);
  const { ids, labels, points, share, of } = await mapOf(functions);
  expect(of).toBe(200);
  expect(ids).toEqual(functions.map(({ id }) => id));
  const across = labels.map((label, i) => [label, points[2 * i]!] as const);
  const [first, second] = [0, 1].map((label) => across.filter(([own]) => own === label).map(([, x]) => x));
  const isApart = Math.max(...first!) < Math.min(...second!) || Math.max(...second!) < Math.min(...first!);
  expect(isApart).toBe(true);
  expect(Math.max(...points.map(Math.abs))).toBe(1);
  expect(share).toBeGreaterThan(0.9);
  expect((await mapOf(functions)).points).toEqual(points);
});

test('a draw is even, and what is not drawn is not read', async () => {
  const functions = twoHeaps(100).map((fn, i) => {
    if (i % 10 === 0) return fn;
    return Object.defineProperty({ ...fn }, 'content', {
      get: () => {
        throw new Error(`function ${i} was read`);
      },
    });
  });
  const { ids, points, of } = await mapOf(functions, 10);
  expect(ids).toEqual(Array.from({ length: 10 }, (_, i) => `f0${i}0`));
  expect(points).toHaveLength(20);
  expect(of).toBe(100);
});

test('what is damaged or of another size is left out; a map of nothing is empty', async () => {
  const [a, b, c] = twoHeaps(3) as [StoredFunction, StoredFunction, StoredFunction];
  const cut = { ...b, content: { kind: 'modulation', quality: 50, values: new Float32Array(1) } } as const;
  expect((await mapOf([a, cut, c])).ids).toEqual([a.id, c.id]);
  const empty = await mapOf([]);
  expect([empty.ids, [...empty.points], empty.share]).toEqual([[], [], 1]);
  const same = await mapOf([a, { ...a, id: 'again' }]);
  expect([...same.points].map(Math.abs)).toEqual([0, 0, 0, 0]);
});

test('what was made of a store is kept until that is written, or the file is damaged', async () => {
  const store = await openFunctaset(join(temporary(), 'set'), { network: testNetwork() });
  onTestFinished(() => store.close());
  await store.put(testFunction(1));
  let made = 0;
  const ask = async (of = 'all') => {
    const bytes = await keptBeside(store, 'map.json', [of], async () => {
      made++;
      return Buffer.from(`map ${of} of ${store.count}\nof two lines`);
    });
    return `${made}: ${Buffer.from(bytes)}`;
  };
  expect(await ask()).toBe('1: map all of 1\nof two lines');
  expect(await ask()).toBe('1: map all of 1\nof two lines');
  await store.put(testFunction(2));
  expect(await ask()).toBe('2: map all of 2\nof two lines');
  expect(await ask('some')).toBe('3: map some of 2\nof two lines');
  const path = join(store.path, 'map.json');
  const bytes = readFileSync(path);
  for (const damaged of [
    bytes.subarray(0, -1),
    bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    new Uint8Array(),
  ]) {
    const before = made;
    writeFileSync(path, damaged);
    expect(await ask('some')).toBe(`${before + 1}: map some of 2\nof two lines`);
  }
});
