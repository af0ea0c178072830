import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { functa, functaJson } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;
let model: readonly string[];
let ids: readonly string[];

beforeAll(async () => {
  place = await makeWorkplace();
  model = ['--model', place.model];
  const from = ['-d', 'fixture-fashion', '--split', 'train'];
  const built = await functa(['build', place.at('set'), ...from, ...model]);
  expect(built.status).toBe(0);
  const recipe = ['--probe', 'linear', '--epochs', '30', '--batch', '8', '--rate', '0.01'];
  const data = await openDataset('fixture-fashion', 'train');
  ids = [(await data.get(0)).id, (await data.get(1)).id];
  data.close();
  const trained = await functaJson([
    'classify',
    'train',
    place.at('set'),
    '-o',
    place.at('c'),
    ...recipe,
    ...model,
  ]);
  expect(trained.json).toMatchObject({ probe: 'linear', functions: 48, model: 'tiny' });
}, 240_000);

afterAll(() => place.remove());

test('a classifier is judged by a store, and says what functions and pictures are', async () => {
  const judged = await functaJson(['classify', 'eval', place.at('c'), place.at('set'), ...model]);
  expect(judged.json.accuracy).toBeGreaterThan(0.6);
  const asked = await functaJson([
    ...['classify', 'predict', place.at('c'), place.at('set'), '--id', ids[1]!, ...model],
  ]);
  expect(asked.json.predictions.map(({ id }: { id: string }) => id)).toEqual([ids[1]]);
  const picture = await functa([
    'classify',
    'predict',
    place.at('c'),
    place.at('0.png'),
    '--top',
    '1',
    ...model,
  ]);
  expect(picture.stdout.toString()).toMatch(/^0\.png {2}\d \d+\.\d\d %\n$/);
});

test('a path between functions is written as values or as functions, and a function that is not there is named', async () => {
  const path = ['combine', 'path', place.at('set'), ...ids, '-n', '3', ...model];
  const values = await functaJson([...path, '-o', place.at('path.npy')]);
  expect(values.json).toMatchObject({ functions: 3, format: 'npy' });
  expect(readNpy(readFileSync(place.at('path.npy'))).shape).toEqual([3, 28, 28]);
  await functa([...path, '-o', place.at('path.functa')]);
  const inside = await functaJson(['inspect', place.at('path.functa'), ...model]);
  expect(inside.json).toMatchObject({ kind: 'archive', count: 3 });
  const missing = await functa([
    'combine',
    'mean',
    place.at('set'),
    'nobody',
    '-o',
    place.at('m.png'),
    ...model,
  ]);
  expect(missing.stderr).toContain('has no function nobody');
  expect(missing.status).not.toBe(0);
});
