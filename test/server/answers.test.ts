import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Answers, keyOfBody, keyOfStored } from '../../server/answers.ts';
import { untilDeadline } from '../../server/asker.ts';
import type { RunningServer } from '../../server/index.ts';
import { AbortedError } from '../../src/core/errors.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { prepare, type Serving } from './serving.ts';

const answer = (length: number, fill = 0) => ({
  head: fill,
  bytes: new Uint8Array(length).fill(fill),
  rest: undefined,
});

describe('answers', () => {
  it('are given again to the same key, and made once', async () => {
    const answers = new Answers(2 ** 20);
    let made = 0;
    const make = async () => answer(10, ++made);
    expect((await answers.of('a', make)).head).toBe(1);
    expect((await answers.of('a', make)).head).toBe(1);
    expect((await answers.of('b', make)).head).toBe(2);
    expect((await answers.of(undefined, make)).head).toBe(3);
    expect((await answers.of(undefined, make)).head).toBe(4);
  });

  it('take no more bytes than they may, whatever comes: those that were asked for longest ago go', async () => {
    const most = 2 ** 18;
    const answers = new Answers(most);
    for (let i = 0; i < 200; i++) {
      await answers.of(`${i}`, async () => answer(3000, i));
      expect(answers.find('0')).toBeDefined();
      expect(answers.bytes).toBeLessThanOrEqual(most);
    }
    expect(answers.find('1')).toBeUndefined();
    expect(answers.find('199')).toBeDefined();
    const before = answers.bytes;
    await answers.of('large', async () => answer(most / 32));
    expect(answers.bytes).toBe(before);
    await new Answers(0).of('none', async () => answer(1));
  });

  it('do not keep what was thrown, nor what comes in pieces', async () => {
    const answers = new Answers(2 ** 20);
    await expect(answers.of('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const rest = (async function* () {})();
    await answers.of('a', async () => ({ ...answer(4), rest }));
    expect(answers.find('a')).toBeUndefined();
  });

  it('are known by all bytes of a body, of one that is short', () => {
    const bytes = new Uint8Array(2 ** 18);
    const key = keyOfBody(bytes, undefined, ['decode']);
    bytes[2 ** 18 - 1] = 1;
    expect(keyOfBody(bytes, undefined, ['decode'])).not.toBe(key);
    expect(keyOfBody(bytes, undefined, ['encode'])).not.toBe(keyOfBody(bytes, undefined, ['decode']));
    expect(keyOfBody(new Uint8Array(2 ** 18 + 1), undefined, ['decode'])).toBeUndefined();
  });
});

describe('a deadline', () => {
  it('ends the work, and is told from a client that leaves', async () => {
    const never = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new AbortedError('left')), { once: true });
      });
    const { signal } = new AbortController();
    await expect(untilDeadline({ signal, withinMs: 5 }, never)).rejects.toMatchObject({
      ...{ code: 'deadline', status: 504 },
    });
    const leave = new AbortController();
    const left = untilDeadline({ signal: leave.signal, withinMs: 60_000 }, never);
    leave.abort();
    await expect(left).rejects.toMatchObject({ kind: 'aborted' });
    expect(await untilDeadline({ signal, withinMs: 60_000 }, async () => 'done')).toBe('done');
  });
});

describe('answers of a server', () => {
  let serving: Serving;
  let server: RunningServer;
  beforeAll(async () => {
    serving = await prepare();
    server = await serving.start();
  }, 60_000);
  afterAll(() => serving.stop());

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}${path}`, { headers });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  it('say of a stored function what it is now, and not what it was before it was written', async () => {
    const store = join(serving.directory, 'shoes');
    const settled = () => utimesSync(join(store, 'data.mdb'), new Date(1e12), new Date(1e12));
    const writer = await openFunctaset(store);
    const [first, second] = writer.iterate();
    const path = `/v1/functasets/shoes/functions/${encodeURIComponent(first!.id)}?size=2x`;
    settled();
    const before = await get(path, { accept: 'image/png' });
    const again = await get(path, { accept: 'image/png' });
    expect(again.bytes).toEqual(before.bytes);
    expect(again.response.headers.get('etag')).toBe(before.response.headers.get('etag'));
    const held = await get(path, { 'if-none-match': before.response.headers.get('etag')! });
    expect(held.response.status).toBe(304);
    expect(keyOfStored(store, undefined, [])).toBeDefined();
    await writer.put({ ...second!, id: first!.id }, { replace: true });
    expect(keyOfStored(store, undefined, [])).toBeUndefined();
    const after = await get(path, { accept: 'image/png' });
    expect(after.bytes).not.toEqual(before.bytes);
    await writer.close();
  });

  it('are for who asks in the time that it says', async () => {
    const path = '/v1/functasets/shoes/functions';
    const late = await get(path, { prefer: 'handling=strict, wait=0' });
    expect([late.response.status, JSON.parse(late.bytes.toString()).code]).toEqual([504, 'deadline']);
    expect((await get(path, { prefer: 'wait=30' })).response.status).toBe(200);
  });

  it('to a posted file are what decoding gives, again and in another format', async () => {
    const id = (await get('/v1/functasets/shoes/functions')).bytes.toString();
    const { functions } = JSON.parse(id) as { functions: { links: { self: string } }[] };
    const { bytes } = await get(functions[1]!.links.self, { accept: 'application/vnd.functa' });
    const decode = async (accept: string, query = '') => {
      const headers = { 'content-type': 'application/vnd.functa', accept };
      const response = await fetch(`${server.url}/v1/decode${query}`, {
        method: 'POST',
        headers,
        body: bytes,
      });
      return Buffer.from(await response.arrayBuffer());
    };
    const picture = await decode('image/png');
    expect(await decode('image/png')).toEqual(picture);
    expect(await decode('image/png', '?size=2x')).not.toEqual(picture);
    expect((await decode('application/x-npy')).subarray(1, 6).toString()).toBe('NUMPY');
  });
});
