import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { bundledModels } from '../../src/models/index.ts';
import { monitorBusy } from './busy.ts';
import { checkTurns, png, startWatched } from './serving.ts';

vi.setConfig({ testTimeout: 120_000 });

const monitor = monitorBusy();
let engine: Engine;
let server: RunningServer;
let signal: string;

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  server = await startWatched(monitor, {
    port: 0,
    modelsDir: join(bundledModels(), 'fashion-mnist'),
    engine,
  });
  signal = Buffer.from(await png()).toString('base64');
}, 120_000);

afterAll(async () => {
  try {
    checkTurns(monitor);
  } finally {
    await server.close();
    await engine.close();
  }
});

const ask = (body: unknown, accept = 'image/png') =>
  fetch(`${server.url}/v1/models/fashion-mnist/complete`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', accept },
  });

describe('completing', () => {
  it('answers with a row of pictures, the same for the same request', async () => {
    const body = { signal, hide: '0,0,14,28', draws: 2, seed: 3 };
    const reply = await ask(body);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('functa-prior')).toBe('gaussian');
    expect(Number(reply.headers.get('functa-surprise'))).toBeGreaterThan(0);
    const bytes = Buffer.from(await reply.arrayBuffer());
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 2 + 6 * 30, height: 32 });
    expect(Buffer.from(await (await ask(body)).arrayBuffer()).equals(bytes)).toBe(true);
    const named = await ask({ ...body, hide: 'x=0:14' });
    expect(Buffer.from(await named.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('takes points, and answers with an array', async () => {
    const points = [
      [3.5, 14.2, 0.7],
      [20, 9, 0],
    ];
    const reply = await ask({ points, draws: 0, size: '2x' }, 'application/x-npy');
    expect(readNpy(new Uint8Array(await reply.arrayBuffer())).shape).toEqual([1, 56, 56]);
  });

  it.each([
    [{ draws: 1 }, 422, 'bad-parameter'],
    [{ signal: 'AAAA', coarse: true, hide: '0,0,1,1' }, 422, 'bad-parameter'],
    [{ points: [[1, 2]] }, 422, 'points-shape'],
    [{ points: [[1, 29, 0]] }, 422, 'points-outside'],
    [{ points: [] }, 422, 'no-observed-points'],
    [{ points: [[1, 2, 0]], functaset: 'nowhere' }, 404, 'unknown-functaset'],
    [{ points: [[1, 2, 0]], functaset: 'nowhere', prior: 'gaussian' }, 404, 'unknown-functaset'],
    [{ points: [[1, 2, 0]], nearest: 1000 }, 422, 'bad-parameter'],
    [{ points: [[1, 2, 0]], functaset: 'nowhere', nearest: 1 }, 422, 'bad-parameter'],
    [{ points: [[1, 2, 0]], prior: 'autoregressive' }, 422, 'prior-cannot-complete'],
    [{ signal: 'AAAA' }, 415, 'media-type-mismatch'],
    // each picture is within the limits, all of them together are not
    [{ points: [[1, 2, 0]], size: '2048x2048', draws: 4 }, 413, 'limit-samples'],
  ])('refuses %j with %i %s', async (body, status, code) => {
    const reply = await ask(body);
    expect(reply.status).toBe(status);
    expect(await reply.json()).toMatchObject({ code });
  });

  it('refuses a mask of another shape and a picture without anything known', async () => {
    const mask = Buffer.from(await png(14, 14)).toString('base64');
    expect(await (await ask({ signal, mask })).json()).toMatchObject({ code: 'mask-shape' });
    const nothing = await ask({ signal, hide: '0,0,28,28' });
    expect(await nothing.json()).toMatchObject({ code: 'no-observed-points' });
  });
});
