import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { writeImage } from '../../src/formats/image.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { functa, functaJson } from './in-process.ts';

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'functa-complete-'));
  const data = await openDataset('fixture-fashion', 'all');
  const signal = await data.get(3);
  data.close();
  await writeFile(at('shirt.png'), await writeImage(signal, 'png'));
  await writeFile(
    at('mask.npy'),
    writeNpy({ dtype: 'U8', shape: [28, 28], data: new Uint8Array(784).fill(1, 392) }),
  );
  await writeFile(at('small.npy'), writeNpy({ dtype: 'U8', shape: [2, 2], data: Uint8Array.of(1, 1, 1, 1) }));
});

afterAll(() => rm(directory, { recursive: true }));

const complete = (...args: string[]) => [
  'complete',
  at('shirt.png'),
  '-m',
  'fashion-mnist',
  '--threads',
  '1',
  ...args,
];

test('a picture is completed from what a mask shows, as an array of the completed, draws, mean and deviation', async () => {
  const { status, json } = await functaJson(
    complete('--mask', at('mask.npy'), '-n', '2', '-o', at('out.npy')),
  );
  expect(status).toBe(0);
  expect(json).toMatchObject({ prior: 'gaussian', known: 392, draws: 2, shape: [28, 28] });
  const { shape, data } = readNpy(new Uint8Array(await readFile(at('out.npy'))));
  expect(shape).toEqual([5, 28, 28]);
  expect(data.every(Number.isFinite)).toBe(true);
});

test('without a name the model is that of pictures like this one, and of a store that it is of', async () => {
  const unnamed = (...args: string[]) => ['complete', at('shirt.png'), '--threads', '1', '-n', '1', ...args];
  const { status, json } = await functaJson(unnamed('--mask', at('mask.npy'), '-o', at('unnamed.npy')));
  expect(status).toBe(0);
  expect(json).toMatchObject({ model: 'fashion-mnist', known: 392 });
  const coarse = await functa(unnamed('--coarse', '-o', at('none.npy')));
  expect(coarse).toMatchObject({ status: 2 });
  expect(coarse.stderr).toMatch(
    /does not say of what size: cifar10, .*fashion-mnist.*choose one with --model \[which-model\]/,
  );
  expect(coarse.stderr).not.toMatch(/speech|climate|shapes/);
});

test('a table of points without a name is told the models of so many columns', async () => {
  const table = (columns: number) =>
    writeNpy({ dtype: 'F32', shape: [2, columns], data: new Float32Array(2 * columns).fill(1) });
  writeFileSync(at('three.npy'), table(3));
  writeFileSync(at('nine.npy'), table(9));
  const points = (name: string) => functa(['complete', at(name), '--points', '-o', at('none.npy')]);
  expect((await points('three.npy')).stderr).toMatch(/: climate, elevation, fashion-mnist; choose one/);
  expect((await points('nine.npy')).stderr).toMatch(/a table of 9 columns.*\[no-model\]/);
});

test.each([
  ['fixture-fashion', 'fashion-mnist'],
  ['fixture-emoji', 'photos'],
])('a store built of %s without a name is of %s', async (data, name) => {
  const { json } = await functaJson(['build', at(`of-${data}`), '-d', data, '--limit', '1']);
  expect(json).toMatchObject({ model: name, added: 1 });
});

test('data that no model takes are refused, and those that are not there are told as before', async () => {
  writeFileSync(
    at('planes.npy'),
    writeNpy({ dtype: 'F32', shape: [2, 2, 2, 2, 2], data: new Float32Array(32) }),
  );
  mkdirSync(at('planes'));
  copyFileSync(at('planes.npy'), at('planes/a.npy'));
  const build = (data: string) => functa(['build', at('none'), '-d', data]);
  const none = await build(`signals:${at('planes')}`);
  expect([none.status, none.stderr]).toEqual([2, expect.stringMatching(/\[no-model\]/)]);
  expect((await build('nothing')).stderr).toContain('[unknown-dataset]');
});

test('a signal of which nothing is hidden says how to hide something', async () => {
  const { status, stderr } = await functa(complete('-n', '1', '-o', at('whole.npy')));
  expect(status).toBe(0);
  expect(stderr).toContain('shirt.png: nothing is hidden; --hide, --region or --mask say what is');
});

test('a mask of another shape, and two ways to say what is known, are refused', async () => {
  const shape = await functa(complete('--mask', at('small.npy'), '-o', at('none.png')));
  expect(shape.stderr).toContain('[mask-shape]');
  expect(shape.status).not.toBe(0);
  const both = await functa(complete('--mask', at('mask.npy'), '--hide', '0,0,1,1', '-o', at('none.png')));
  expect(both).toMatchObject({ status: 2 });
  expect(both.stderr).toContain('[one-part]');
});

test('a store completes by the functions that are most like what is known', async () => {
  const build = ['build', at('set'), '-d', 'fixture-fashion', '-m', 'fashion-mnist', '--threads', '1'];
  expect((await functa(build)).status).toBe(0);
  const near = (...args: string[]) =>
    complete('--hide', '0,0,14,28', '-n', '0', '--nearest', '64', '-o', at('near.png'), ...args);
  const { status, json } = await functaJson(near('--functaset', at('set')));
  expect(status).toBe(0);
  expect(json).toMatchObject({ prior: 'own', known: 392 });
  const without = await functa(near());
  expect(without).toMatchObject({ status: 2 });
  expect(without.stderr).toContain('[bad-nearest]');
  const few = await functa(near('--functaset', at('set'), '--nearest', '3', '--force'));
  expect(few.status).toBe(1);
  expect(few.stderr).toContain('[bad-nearest]');
});
