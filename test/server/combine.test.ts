import sharp from 'sharp';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { openSession } from '../../src/session/index.ts';
import { openFunctasetOf } from '../../src/session/store.ts';
import { prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let ids: string[];

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start();
  const store = await openFunctasetOf(serving.model, `${serving.directory}/shoes`, { readOnly: true });
  ids = [...store.summaries()].map(({ id }) => id);
  await store.close();
}, 120_000);

afterAll(() => serving.stop());

const combine = (body: unknown, accept: string) =>
  fetch(`${server.url}/v1/functasets/shoes/combine`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', accept },
  });

it('gives a path as an array, a contact sheet or functions, and its ends are the functions of the store', async () => {
  const path = { kind: 'path', from: ids[0], to: ids[1], steps: 3 };
  const array = readNpy(new Uint8Array(await (await combine(path, 'application/x-npy')).arrayBuffer()));
  expect(array.shape).toEqual([3, 28, 28]);
  const mean = await combine({ kind: 'mean', ids: [ids[1]] }, 'application/x-npy');
  const own = readNpy(new Uint8Array(await mean.arrayBuffer()));
  expect(own.data).toEqual(array.data.slice(2 * 784));
  const sheet = await sharp(
    await (await combine({ ...path, size: '2x' }, 'image/png')).arrayBuffer(),
  ).metadata();
  expect(sheet.width).toBeGreaterThanOrEqual(2 * 56);
  const archive = await combine(path, 'application/vnd.functa');
  const session = openSession({ model: serving.model, engine: serving.engine });
  const decoded = session.decodeMany(new Uint8Array(await archive.arrayBuffer()));
  let count = 0;
  for await (const { shape } of decoded) {
    expect(shape).toEqual([28, 28]);
    count++;
  }
  expect(count).toBe(3);
});

it('gives the difference as one function', async () => {
  const reply = await combine({ kind: 'difference', id: ids[0], less: ids[0] }, 'application/x-npy');
  const zero = readNpy(new Uint8Array(await reply.arrayBuffer()));
  expect(zero.shape).toEqual([1, 28, 28]);
});

it.each([
  [{ kind: 'path', from: 'nobody', to: 'nobody' }, 404, 'unknown-function'],
  [{ kind: 'path', from: 'a', to: 'b', space: 'sphere' }, 422, 'bad-parameter'],
  [{ kind: 'mean', label: 'hat' }, 404, 'unknown-label'],
  [{ kind: 'mean' }, 422, 'which-functions'],
  [{ kind: 'product' }, 422, 'bad-parameter'],
  [{ kind: 'path', from: 'a', to: 'b', steps: 1 }, 422, 'bad-parameter'],
])('refuses %j', async (body, status, code) => {
  const reply = await combine(body, 'image/png');
  expect(reply.status).toBe(status);
  expect(await reply.json()).toMatchObject({ code });
});

it('says how to make the flow that a path is to run in, and names no file of the server', async () => {
  const body = { kind: 'path', from: ids[0], to: ids[1], space: 'flow' };
  const reply = await combine(body, 'image/png');
  expect(reply.status).toBe(404);
  expect(await reply.json()).toMatchObject({
    code: 'prior',
    detail: expect.stringContaining('prior train --kinds flow'),
  });
  const nobody = await (await combine({ ...body, from: 'nobody' }, 'image/png')).text();
  expect(nobody).toContain('the functaset has no function nobody');
  expect(nobody).not.toContain(serving.directory);
});
