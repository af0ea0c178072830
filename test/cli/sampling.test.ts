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
