import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../src/models/models.ts';
import { splitParts, withParts } from './parts.ts';
import { openDataset } from './registry.ts';

const fixtures = join(import.meta.dirname, '../test/fixtures/signals');
let folder: string;
const kelvin = { name: 'T', unit: 'K', low: 200, peak: 120, sample: 'float32' };
const map = [{ name: 'lat' }, { name: 'lon' }];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'functa-parts-'));
  cpSync(join(fixtures, 'field.nc4'), join(folder, 'field.nc4'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const told = (kind: object) => writeFileSync(join(folder, 'signals.json'), JSON.stringify(kind));

it('data of a folder are of the variable that their name says, and at the place along time', async () => {
  told({ outputs: [kelvin], axes: map });
  const first = await openDataset(withParts(`signals:${folder}`, { variable: 'T[time=0]' }), 'all');
  const second = await openDataset(`signals:${folder}?variable=T[time=1]`, 'all');
  expect((await first.get(0)).shape).toEqual([4, 6]);
  expect((await first.get(0)).values).not.toEqual((await second.get(0)).values);
  // three fields of it would do, and none is guessed
  const unsaid = await openDataset(`signals:${folder}`, 'all');
  await expect(unsaid.get(0)).rejects.toMatchObject({ code: 'which-part' });
});

it('data of a folder are of several variables as channels, with time as an axis, as its file says', async () => {
  const wind = { unit: 'm s-1', low: -5, peak: 10, sample: 'float32' };
  const outputs = [kelvin, { ...wind, name: 'east' }, { ...wind, name: 'north' }];
  told({ outputs, axes: [{ name: 'time' }, ...map], variable: 'T,u,v' });
  const data = await openDataset(`signals:${folder}`, 'all');
  expect(await data.get(0)).toMatchObject({ shape: [3, 4, 6], channels: 3 });
  told({ outputs, axes: map, variable: 7 });
  await expect(openDataset(`signals:${folder}`, 'all')).rejects.toMatchObject({ code: 'bad-card' });
});

it('a folder that says nothing holds what a model takes; without one, the error shows what to write', async () => {
  const plain = mkdtempSync(join(tmpdir(), 'functa-plain-'));
  cpSync(join(fixtures, 'tone16.wav'), join(plain, 'tone16.wav'));
  const { card } = await loadModel('speech');
  const data = await openDataset(`signals:${plain}`, 'all', { kind: card });
  expect(await data.get(0)).toMatchObject({ shape: [240], channels: 1 });
  const error = await openDataset(`signals:${plain}`, 'all').catch((error) => error);
  expect(error.code).toBe('no-kind');
  writeFileSync(join(plain, 'signals.json'), /\{"outputs.*\]\}/.exec(error.message)![0]);
  const told = await openDataset(`signals:${plain}`, 'all');
  expect((await told.get(0)).shape).toEqual([240]);
  rmSync(plain, { recursive: true });
});

it('a zarr store in a folder is one item', async () => {
  cpSync(join(fixtures, 'field.zarr'), join(folder, 'train/store.zarr'), { recursive: true });
  told({ outputs: [kelvin], axes: map, variable: 'T' });
  const data = await openDataset(`signals:${folder}`, 'train');
  expect(data.length).toBe(1);
  expect(data.idAt?.(0)).toBe('train/store.zarr');
  expect((await data.get(0)).shape).toEqual([6, 12]);
});

it('parts are of files that have some', async () => {
  await expect(openDataset('images:/tmp?variable=T', 'all')).rejects.toMatchObject({ code: 'bad-option' });
  expect(splitParts('a?b')).toEqual({ path: 'a?b' });
  expect(splitParts('a?grid=64')).toEqual({ path: 'a', parts: { grid: 64 } });
  expect(() => splitParts('a?grid=6e4')).toThrow(expect.objectContaining({ code: 'bad-option' }));
});
