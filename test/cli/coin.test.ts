/** `functa encode --recipe coin`, and the commands that read what it writes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readNpy, signalToNpy } from '../../src/formats/npy.ts';
import { functa, functaJson } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;
let picture: string;
beforeAll(async () => {
  place = await makeWorkplace();
  picture = place.at('0.png');
});
afterAll(() => place.remove());

it('writes a network that is decoded and described without any model', async () => {
  const out = place.at('own.functa');
  const made = await functaJson(['encode', '--recipe', 'coin', picture, '-o', out, '--iterations', '200']);
  expect(made.status).toBe(0);
  expect(made.json).toMatchObject({
    recipe: 'coin',
    channels: 'grey',
    shape: [28, 28],
    size: { layers: 2 },
    iterations: 200,
  });
  expect(made.json.fileBytes).toBe(readFileSync(out).length);
  expect(made.json.bitsPerPoint).toBeCloseTo((8 * made.json.fileBytes) / 784);
  expect(made.json.psnrDb).toBeGreaterThan(15);
  const decoded = await functaJson(['decode', out, '-o', place.at('own.png'), '--size', '2x']);
  expect(decoded).toMatchObject({ status: 0, json: { shape: [56, 56], channels: 1 } });
  const told = await functa(['inspect', out]);
  expect(told.stdout.toString()).toMatch(
    /network of its own: no model is needed\n.*header\nnetwork +2 layers of \d+, w0 15, \d+ weights\nweights +half floats, 16\.\d\d bits each/,
  );
  const found = await functaJson(['inspect', out]);
  expect(found.json).toMatchObject({
    kind: 'network',
    model: null,
    shape: [28, 28],
    network: { coding: 'half' },
  });
});

it('takes a size, a seed and fewer bits, and the same of each gives the same file', async () => {
  const run = (name: string, seed: string) =>
    functaJson([
      ...['encode', '--recipe', 'coin', picture, '-o', place.at(name), '--iterations', '40'],
      ...['--network', '3x9', '--bits', '6.5', '--seed', seed],
    ]);
  const { json } = await run('a.functa', '1');
  expect(json).toMatchObject({ size: { layers: 3, width: 9 } });
  expect(json.bitsPerWeight).toBeLessThan(6.6);
  await run('b.functa', '1');
  await run('c.functa', '2');
  const [a, b, c] = ['a', 'b', 'c'].map((name) => readFileSync(place.at(`${name}.functa`)));
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
});

it('takes arrays of numbers and of sound', async () => {
  const values = Float32Array.from({ length: 120 }, (_, i) => 280 + Math.sin(i));
  writeFileSync(place.at('map.npy'), signalToNpy({ id: 'map', shape: [3, 4, 10], channels: 1, values }));
  const sound = values.map((value) => value - 280);
  writeFileSync(
    place.at('sound.npy'),
    signalToNpy({ id: 'sound', shape: [120], channels: 1, values: sound }),
  );
  const run = async (name: string, ...more: string[]) => {
    const out = place.at(`${name}.functa`);
    const { json } = await functaJson([
      'encode',
      '--recipe',
      'coin',
      place.at(`${name}.npy`),
      '-o',
      out,
      '--iterations',
      '9',
      ...more,
    ]);
    await functa(['decode', out, '-o', place.at(`${name}-again.npy`)]);
    return { json, decoded: readNpy(readFileSync(place.at(`${name}-again.npy`))) };
  };
  const map = await run('map');
  expect(map.json).toMatchObject({ channels: 'values', shape: [3, 4, 10] });
  expect(map.decoded.data.every((value) => value > 270 && value < 290)).toBe(true);
  expect((await run('sound', '--channels', 'mono')).json).toMatchObject({ channels: 'mono', shape: [120] });
});

it('says which options are whose, and leaves nothing behind', async () => {
  const out = place.at('none.functa');
  const refused = async (...args: string[]) => {
    const { status, json } = await functaJson(['encode', picture, '-o', out, ...args]);
    expect(existsSync(out)).toBe(false);
    return [status, json.error.code];
  };
  for (const option of [
    ['-m', place.model],
    ['--quality', '40'],
    ['--psnr', '20'],
    ['--bytes', '90'],
    ['--effort', '2'],
    ['--prior', 'histogram'],
    ['--steps', 'asked'],
  ])
    expect(await refused('--recipe', 'coin', ...option), option[0]).toEqual([2, 'recipe-option']);
  for (const option of [
    ['--network', '2x8'],
    ['--bits', '8'],
    ['--iterations', '9'],
    ['--seed', '1'],
    ['--channels', 'grey'],
  ])
    expect(await refused('-m', place.model, ...option), option[0]).toEqual([2, 'recipe-option']);
  expect(await refused('--recipe', 'coin', picture)).toEqual([2, 'recipe-archive']);
  expect((await functaJson(['encode', picture, '--recipe', 'coin', '--network', '10'])).status).toBe(2);
  expect(await refused('--recipe', 'coin', '--network', '17x8')).toEqual([1, 'network-size']);
  expect(await refused('--recipe', 'coin', '--bits', '14')).toEqual([1, 'bits']);
  expect(await refused('--recipe', 'coin', '--max-work', '1000')).toEqual([4, 'limit-multiply-adds']);
});
