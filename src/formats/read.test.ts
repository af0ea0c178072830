import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { loadModel } from '../models/models.ts';
import type { Signal } from '../signal/signal.ts';
import type { ReadOptions } from './format.ts';
import { cardsOfValues, readSignalAs, readSignalFrom, readSignalShape } from './read.ts';

const [climate, elevation] = await Promise.all(['climate', 'elevation'].map((name) => loadModel(name)));

test('a file is not read for models that take values of any range', async () => {
  const read = vi.fn<() => Promise<Signal>>();
  const both = [climate!, elevation!];
  expect(await cardsOfValues(both, {}, read)).toEqual(both);
  expect(read).not.toHaveBeenCalled();
});

test('an array of signed distances is for the model of them, and other volumes are not', async () => {
  const models = await Promise.all(['shapes', 'volume'].map((name) => loadModel(name)));
  const namesFor = async (values: Float32Array) => {
    const found = await cardsOfValues(models, {}, async () => ({
      ...{ id: 'x', shape: [4, 4, 4], channels: 1, values },
    }));
    return found.map(({ card }) => card.name);
  };
  const distances = Float32Array.from({ length: 64 }, (_, i) => Math.min(0.09, (i - 20) / 500));
  expect(await namesFor(distances)).toEqual(['shapes']);
  expect(await namesFor(distances.map((v) => Math.abs(v)))).toEqual(['shapes', 'volume']);
  expect(await namesFor(distances.map((v) => 1000 * v))).toEqual(['volume']);
});

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../test/fixtures/signals', name)));

test.each([
  ['tone16.wav', 1, 'variable', 'x is WAV, which has no variable; leave it out, or give npz, netCDF-3'],
  ['tone.flac', 1, 'variable', 'x is FLAC, which has no variable'],
  ['map.nc', 2, 'grid', 'which has no grid; leave it out, or give OBJ, STL or VRML'],
  ['plain.nii', 3, 'grid', 'x is NIfTI, which has no grid'],
  ['part.stl', 3, 'variable', 'x is STL, which has no variable'],
] as const)('what %s does not have cannot be asked of it', async (name, axes, part, told) => {
  const bytes = fixture(name);
  const parts = part === 'grid' ? { grid: 16 } : { variable: 'T' };
  const asked: ReadOptions = { id: 'x', axes, outputs: 'any', told: name, limits: defaultLimits, ...parts };
  const source = {
    ...{ head: bytes, size: bytes.length },
    read: async (from: number, to: number) => bytes.subarray(from, to),
  };
  for (const read of [() => readSignalAs(bytes, asked), () => readSignalFrom(source, asked)]) {
    const error = await read().catch((error) => error);
    expect(error).toMatchObject({ kind: 'input', code: 'bad-option' });
    expect(error.message).toContain(told);
  }
  await expect(readSignalShape(bytes, asked)).rejects.toMatchObject({ code: 'bad-option' });
});
