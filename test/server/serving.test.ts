import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Admission } from '../../server/traffic/admission.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let picture: Uint8Array;

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  picture = await png(96, 96);
}, 120_000);

afterAll(() => serving.stop());

const encode = (url: string, query = '', init: RequestInit = {}) =>
  fetch(`${url}/v1/models/tiny/encode${query}`, {
    method: 'POST',
    body: picture as unknown as string,
    headers: { 'content-type': 'image/png' },
    ...init,
  });

const requestsOf = async (url: string) =>
  ((await (await fetch(`${url}/readyz`)).json()) as { requests: number }).requests;

describe('under load', () => {
  it('answers 503 with retry-after once its queue is full, and all that it took', async () => {
    const server = await serving.start({ running: 1, waiting: 2 });
    const responses = await Promise.all(Array.from({ length: 12 }, () => encode(server.url)));
    const statuses = responses.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
    const refused = responses.find(({ status }) => status === 503)!;
    expect(refused.headers.get('retry-after')).toMatch(/^[123]$/);
    expect(await refused.json()).toMatchObject({ code: 'overloaded' });
    expect((await encode(server.url)).status).toBe(200);
    await server.close();
  });

  it('goes on after clients that went away, and gives their places back', async () => {
    const server = await serving.start({ running: 1, waiting: 3 });
    for (let i = 0; i < 8; i++) {
      const gone = new AbortController();
      const request = encode(server.url, '', { signal: gone.signal }).catch(() => undefined);
      setTimeout(() => gone.abort(), 20);
      await request;
    }
    await expect.poll(async () => (await encode(server.url)).status, { timeout: 20_000 }).toBe(200);
    await server.close();
  });
});

describe('going down', () => {
  it('finishes the requests under way, takes no more, and can be told twice', async () => {
    const stop = new AbortController();
    const server = await serving.start({ signal: stop.signal, graceMs: 110_000 });
    const running = encode(server.url, '?effort=8');
    await expect.poll(() => requestsOf(server.url)).toBe(1);
    stop.abort();
    expect((await running).status).toBe(200);
    const answered = performance.now();
    await server.closed;
    // Well below the time for which a connection at rest is kept.
    expect(performance.now() - answered).toBeLessThan(20_000);
    await server.close();
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
  });

  it('says that its port is taken, and leaves nothing open', async () => {
    const server = await serving.start();
    await expect(serving.start({ port: server.port })).rejects.toMatchObject({ code: 'port-in-use' });
    await server.close();
  });

  it('is alive and not ready without models', async () => {
    const empty = `${serving.directory}/none`;
    await mkdir(empty);
    const server = await serving.start({ modelsDir: empty, functasets: [] });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: 'no-models' });
    await server.close();
  });
});

describe('admission', () => {
  it('runs in the order of arrival, never more than its number at once', async () => {
    const admission = new Admission({ running: 2, runningLarge: 2, waiting: 10 });
    const { signal } = new AbortController();
    const order: number[] = [];
    let running = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const place = admission.enter({ class: i % 2 === 0 ? 'small' : 'large' });
        await place.run(signal, async () => {
          expect(++running).toBeLessThanOrEqual(2);
          order.push(i);
          await Promise.resolve();
          running--;
        });
        place.release();
      }),
    );
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(admission.held).toBe(0);
  });

  it('runs a small request while large ones fill their places, and neither class starves the other', async () => {
    const admission = new Admission({ running: 2, waiting: 8 });
    const { signal } = new AbortController();
    const order: string[] = [];
    const finish: (() => void)[] = [];
    const begin = (kind: 'small' | 'large', name: string) =>
      admission.enter({ class: kind }).run(signal, () => {
        order.push(name);
        return new Promise<void>((resolve) => finish.push(resolve));
      });
    const all = ['large 0', 'large 1', 'small 0', 'small 1', 'large 2', 'small 2'].map((name) =>
      begin(name.startsWith('small') ? 'small' : 'large', name),
    );
    await Promise.resolve();
    expect(order).toEqual(['large 0', 'small 0']);
    for (let i = 0; i < all.length; i++) {
      await vi.waitFor(() => expect(finish.length).toBeGreaterThan(0));
      finish.shift()!();
    }
    await Promise.all(all);
    expect(order).toEqual(['large 0', 'small 0', 'large 1', 'small 1', 'large 2', 'small 2']);
  });

  it('keeps a quarter of the waiting places for small requests', () => {
    const admission = new Admission({ running: 2, waiting: 8, random: () => 0.5 });
    for (let i = 0; i < 7; i++) admission.enter({ class: 'large' });
    expect(() => admission.enter({ class: 'large' })).toThrow('too many requests');
    expect([admission.isFull('large'), admission.isFull('small')]).toEqual([true, false]);
    for (let i = 0; i < 3; i++) admission.enter({ class: 'small' });
    expect(admission.isFull('small')).toBe(true);
    expect(() => admission.enter({ class: 'small' })).toThrowError(
      expect.objectContaining({ headers: { 'retry-after': '2' } }),
    );
  });

  it('has a client wait for one of another, and not for all that the other has waiting', async () => {
    const admission = new Admission({ running: 1, waiting: 1100 });
    const { signal } = new AbortController();
    const order: string[] = [];
    const ask = (client: string) => {
      const place = admission.enter({ class: 'small', client });
      return place.run(signal, async () => order.push(client)).finally(() => place.release());
    };
    const all = [...Array.from({ length: 1000 }, () => 'many'), 'one', 'two', 'one'].map(ask);
    await Promise.all(all);
    expect(order.slice(0, 5)).toEqual(['many', 'many', 'one', 'two', 'many']);
    expect(order.slice(5, 7)).toEqual(['one', 'many']);
    expect([order.length, admission.held]).toEqual([1003, 0]);
  });

  it('has whoever waits with most give up a place, and nobody for one who has as many', async () => {
    const admission = new Admission({ running: 1, waiting: 4, random: () => 0 });
    const { signal } = new AbortController();
    let finish: () => void = () => undefined;
    const work = () => new Promise<void>((resolve) => (finish = resolve));
    const ask = (client: string) => {
      const place = admission.enter({ class: 'small', client });
      return place.run(signal, work).finally(() => place.release());
    };
    const many = Array.from({ length: 5 }, () => ask('many'));
    expect(admission.isFull('small', 'many')).toBe(true);
    expect(admission.isFull('small', 'one')).toBe(false);
    const one = [ask('one'), ask('one')];
    await expect(many[4]).rejects.toMatchObject({ code: 'overloaded' });
    await expect(many[3]).rejects.toMatchObject({ code: 'overloaded' });
    expect(() => ask('one')).toThrow('too many requests');
    expect(admission.held).toBe(5);
    for (let i = 0; i < 5; i++) {
      finish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([...many.slice(0, 3), ...one]);
    expect(admission.held).toBe(0);
  });

  it('gives a place back when its client leaves the queue', async () => {
    const admission = new Admission({ running: 1, waiting: 5 });
    const stay = new AbortController();
    const leave = new AbortController();
    let finish: () => void = () => undefined;
    const first = admission.enter({ class: 'small' }).run(
      stay.signal,
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    const second = admission.enter({ class: 'small' }).run(leave.signal, async () => 'never');
    const third = admission.enter({ class: 'small' }).run(stay.signal, async () => 'third');
    leave.abort();
    await expect(second).rejects.toMatchObject({ kind: 'aborted' });
    finish();
    await first;
    expect(await third).toBe('third');
  });
});
