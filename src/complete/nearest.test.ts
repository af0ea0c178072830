/** Completing by the functions that are most like what is known. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { psnrDb } from '../core/units.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import type { Model } from '../field/model.ts';
import { createFunctaset, type OpenFunctaset } from '../library/functaset.ts';
import { loadModel } from '../models/index.ts';
import type { Signal } from '../signal/signal.ts';
import { maskOf, observeCoarse, observeMasked } from './index.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const shape = [28, 28];
const right = maskOf({ shape, values: Array.from({ length: 784 }, (_, p) => Number(p % 28 >= 14)) });
let path: string;
let engine: Engine;
let model: Model;
let set: OpenFunctaset;

/** The left half is as bright as the right half, or as dark: a bar above or below says which. */
function pictureOf(i: number, brightness: number): Signal {
  const isAlike = i % 2 === 0;
  const values = Float32Array.from({ length: 784 }, (_, p) => {
    const [y, x] = [Math.floor(p / 28), p % 28];
    if (y < 10 || y >= 18) return x >= 14 && y < 10 === isAlike ? 1 : 0;
    return x >= 14 || isAlike ? brightness : 1 - brightness;
  });
  return { id: `picture-${i}`, shape, channels: 1, values };
}

const hiddenDb = ({ values }: Signal, of: Signal) => {
  let sum = 0;
  for (let p = 0; p < 784; p++) if (p % 28 < 14) sum += (values[p]! - of.values[p]!) ** 2;
  return psnrDb(sum / 392);
};

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'functa-nearest-'));
  engine = await openEngine(undefined, { threads: 1 });
  model = await loadModel('fashion-mnist');
  set = await createFunctaset(join(path, 'set.functaset'), { model, engine });
  await set.add(Array.from({ length: 200 }, (_, i) => pictureOf(i, ((i * 37) % 100) / 100)));
});

afterAll(async () => {
  await set.close();
  await engine.close();
  await rm(path, { recursive: true });
});

it('what is hidden follows from what is like it, where the whole set contradicts itself', async () => {
  for (const i of [0, 1]) {
    const picture = pictureOf(i, 0.9);
    const observation = observeMasked(picture, right);
    const all = await set.complete(observation, { draws: 0 });
    const near = await set.complete(observation, { draws: 2, nearest: 80 });
    expect(near.prior).toBe('own');
    expect(near.draws).toHaveLength(2);
    expect(hiddenDb(near.completed, picture)).toBeGreaterThan(hiddenDb(all.completed, picture) + 3);
    const again = await set.complete(observation, { draws: 2, nearest: 80 });
    expect(again.completed.values).toEqual(near.completed.values);
  }
});

it('takes a coarse version, too', async () => {
  const picture = pictureOf(1, 0.2);
  const values = Float32Array.from({ length: 49 }, (_, p) => {
    let sum = 0;
    for (let q = 0; q < 16; q++)
      sum += picture.values[(4 * Math.floor(p / 7) + (q >> 2)) * 28 + 4 * (p % 7) + (q & 3)]!;
    return sum / 16;
  });
  const coarse = observeCoarse(shape, { id: 'coarse', shape: [7, 7], channels: 1, values });
  const { completed } = await set.complete(coarse, { draws: 0, nearest: 80 });
  expect(hiddenDb(completed, picture)).toBeGreaterThan(20);
});

it('of fewer functions than say anything, or of another shape, there is none', async () => {
  const observation = observeMasked(pictureOf(0, 0.5), right);
  await expect(set.complete(observation, { nearest: 63 })).rejects.toMatchObject({ code: 'bad-nearest' });
  await expect(set.complete(observation, { nearest: 80.5 })).rejects.toMatchObject({ code: 'bad-nearest' });
  const small = observeMasked({ id: 'small', shape: [4, 4], channels: 1, values: new Float32Array(16) });
  await expect(set.complete(small, { nearest: 80 })).rejects.toMatchObject({ code: 'observed-shape' });
  const few = await createFunctaset(join(path, 'few.functaset'), { model, engine });
  await few.add([pictureOf(0, 0.1), pictureOf(1, 0.1)]);
  await expect(few.complete(observation, { nearest: 80 })).rejects.toMatchObject({ code: 'own-prior' });
  await few.close();
});
