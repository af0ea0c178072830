import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSession } from '../../src/session/index.ts';
import { prepare, type Serving } from './serving.ts';

let serving: Serving;
let file: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  serving = await prepare();
  const session = openSession({ model: serving.model, engine: serving.engine });
  const values = Float32Array.from({ length: 784 }, (_, i) => i / 784);
  file = (await session.encode({ id: 'ramp', shape: [28, 28], channels: 1, values })).bytes.slice();
}, 120_000);

afterAll(() => serving.stop());

const longRequests = 6;

it('answers small requests while more long ones than there are places for wait and work', async () => {
  const server = await serving.start();
  const decode = (query: string, signal?: AbortSignal) =>
    fetch(`${server.url}/v1/models/tiny/decode${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.functa', accept: 'image/png' },
      body: file,
      ...(signal === undefined ? {} : { signal }),
    });
  // Until the worker of small requests is up.
  expect((await decode('')).status).toBe(200);
  const leaving = new AbortController();
  let ended = 0;
  const long = Array.from({ length: longRequests }, async () => {
    const answer = await decode('?size=4000x4000', leaving.signal);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    ended++;
  });
  for (const request of long) request.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (let i = 0; i < 20; i++) {
    const answer = await decode('');
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
  const endedBySmall = ended;
  // One after the other, the long ones had taken many times as long.
  expect(endedBySmall).toBeLessThan(longRequests / 2);
  leaving.abort();
  const outcomes = await Promise.allSettled(long);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason.name).toBe('AbortError');
}, 60_000);
