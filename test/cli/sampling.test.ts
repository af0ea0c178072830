import { mkdtempSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { functa, functaJson } from './in-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-sampling-'));
const model = `${directory}/model.safetensors`;

beforeAll(async () => {
  for (const file of ['model.safetensors', 'diffusion.safetensors']) {
    await cp(`models/fashion-mnist-samples/${file}`, `${directory}/${file}`);
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

const drawn = async (...args: string[]) => {
  const argv = ['sample', '-m', model, '--prior', 'diffusion', '-n', '1', '-o', '-', '--format', 'functa'];
  const { status, stdout, stderr } = await functa([...argv, '--threads', '1', ...args]);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return stdout;
};

test('what the card of a diffusion says is what sample takes where nothing is asked', async () => {
  const said = await functaJson(['prior', 'sampling', '-m', model, '--guidance', '3', '--steps', '4']);
  expect(said.json).toMatchObject({ path: `${directory}/diffusion.safetensors`, guidance: 3, steps: 4 });
  expect((await functaJson(['prior', 'sampling', '-m', model])).json).toMatchObject({
    guidance: 3,
    steps: 4,
  });
  expect(await drawn('--label', '8')).toEqual(await drawn('--label', '8', '--guidance', '3', '--steps', '4'));
  expect(await drawn()).toEqual(await drawn('--steps', '4'));
  expect(await drawn('--label', '8', '--guidance', '1')).not.toEqual(await drawn('--label', '8'));
});

test('more steps than limits count, and a model without a diffusion, are refused in a line', async () => {
  const many = await functa(['prior', 'sampling', '-m', model, '--steps', '19']);
  expect([many.status, many.stderr]).toEqual([2, expect.stringMatching(/18/)]);
  const none = await functa(['prior', 'sampling', '-m', 'climate', '--steps', '8']);
  expect([none.status, none.stderr]).toEqual([1, expect.stringMatching(/no diffusion prior/)]);
});

test('steps that were distilled are drawn so, and the answer says it', async () => {
  const argv = ['prior', 'distil', '-m', model, '--to', '1,2', '--paths', '16', '--steps', '1'];
  const { json } = await functaJson([...argv, '--guidance', '1.5', '--threads', '1']);
  expect(json).toMatchObject({ path: `${directory}/distilled.safetensors`, to: [1, 2], guidance: 1.5 });
  const sample = ['sample', '-m', model, '--prior', 'diffusion', '-n', '1', '--label', '8', '--threads', '1'];
  const drawnTo = async (...more: string[]) =>
    (await functaJson([...sample, '-o', `${directory}/drawn.functa`, '--force', ...more])).json;
  expect(await drawnTo('--steps', '2')).toMatchObject({ distilled: { steps: 2, guidance: 1.5 } });
  expect(await drawnTo('--steps', '4')).not.toHaveProperty('distilled');
  const other = await functa([...sample, '-o', '-', '--format', 'functa', '--steps', '2', '--guidance', '3']);
  expect([other.status, other.stderr]).toEqual([
    1,
    expect.stringMatching(/learnt guidance 1.5 and no other/),
  ]);
  const again = await functa([...argv, '--threads', '1']);
  expect([again.status, again.stderr]).toEqual([1, expect.stringMatching(/--force/)]);
});
