import { expect, test } from 'vitest';
import { FunctaClient, ProblemError } from './client.ts';

/** A client of a server that answers in this order, and what it did. */
function clientOf(...answers: (Response | Error)[]) {
  const asked: { readonly url: string; readonly init: RequestInit }[] = [];
  const waits: number[] = [];
  const client = new FunctaClient('http://server', {
    fetch: async (url, init = {}) => {
      asked.push({ url: String(url), init });
      const answer = answers.shift();
      if (answer instanceof Response) return answer;
      throw answer ?? new TypeError('nothing is left to answer');
    },
    wait: async (ms) => {
      waits.push(ms);
    },
    random: () => 0.5,
  });
  return { client, asked, waits };
}

const json = (value: unknown) => Response.json(value);
const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(
    JSON.stringify({ status, code, detail: 'no', title: '', type: 'about:blank', requestId: '' }),
    {
      status,
      headers: { 'content-type': 'application/problem+json', ...headers },
    },
  );
const overloaded = (seconds = '2') => problem(503, 'overloaded', { 'retry-after': seconds });
const stream = (text: string) => new Response(text, { headers: { 'content-type': 'text/event-stream' } });
const eventText = (id: number, type: string, rest = '') =>
  `id: ${id}\nevent: ${type}\ndata: {"id":${id},"type":"${type}"${rest}}\n\n`;

test('a request that may be repeated is sent again when the server says, and then given up', async () => {
  const { client, asked, waits } = clientOf(overloaded('2'), new TypeError('gone'), json({ models: [] }));
  expect(await client.models()).toEqual([]);
  expect(waits).toEqual([2000, 500]);
  expect(asked).toHaveLength(3);
  const never = clientOf(overloaded('1'), overloaded('1'), overloaded('1'), overloaded('1'));
  await expect(never.client.models()).rejects.toMatchObject({ code: 'overloaded', status: 503 });
  expect(never.waits).toEqual([1000, 1000, 1000]);
  const long = clientOf(overloaded('3600'));
  await expect(long.client.models()).rejects.toBeInstanceOf(ProblemError);
  expect(long.waits).toEqual([]);
});

test('a POST is sent again where a key names it, and not without', async () => {
  const keyed = clientOf(new TypeError('gone'), overloaded(), json({ id: 'j' }));
  const request = { kind: 'build', functaset: 's', model: 'm', data: { dataset: 'd' } } as const;
  expect(await keyed.client.jobs.add(request)).toEqual({ id: 'j' });
  const keys = keyed.asked.map(({ init }) => new Headers(init.headers).get('idempotency-key'));
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  const plain = clientOf(overloaded());
  await expect(plain.client.encode('m', new Uint8Array(1))).rejects.toMatchObject({ code: 'overloaded' });
  expect(plain.asked).toHaveLength(1);
  const wrong = clientOf(problem(422, 'bad-parameter'));
  await expect(wrong.client.jobs.add(request)).rejects.toMatchObject({ code: 'bad-parameter' });
  expect(wrong.waits).toEqual([]);
});

test('events go on after the last one that was read, whatever breaks off', async () => {
  const { client, asked } = clientOf(
    stream(
      `retry: 1000\n\n${eventText(1, 'state', ',"state":"queued"')}:\n\n${eventText(2, 'start')}id: 3\neve`,
    ),
    new TypeError('gone'),
    overloaded('0'),
    stream(
      `${eventText(3, 'progress').replaceAll('\n', '\r\n')}${eventText(4, 'end', ',"state":"done"')}never`,
    ),
    json({ id: 'j', state: 'done' }),
  );
  const seen: number[] = [];
  const job = await client.jobs.wait('j', { onEvent: ({ id }) => seen.push(id) });
  expect(job.state).toBe('done');
  expect(seen).toEqual([1, 2, 3, 4]);
  const froms = asked.slice(0, 4).map(({ init }) => new Headers(init.headers).get('last-event-id'));
  expect(froms).toEqual(['0', '2', '2', '2']);
});

test('a job that failed is an error with what it says of itself', async () => {
  const fault = { code: 'bad-tar', detail: 'the upload is no whole tar archive' };
  const { client } = clientOf(
    stream(eventText(1, 'end', ',"state":"failed"')),
    json({ id: 'j', state: 'failed', fault }),
  );
  await expect(client.jobs.wait('j')).rejects.toMatchObject({ name: 'JobError', job: { fault } });
});

test('who stops waiting is not kept waiting', async () => {
  const stop = new AbortController();
  const { client } = clientOf(overloaded());
  stop.abort(new Error('enough'));
  await expect(client.models({ signal: stop.signal })).rejects.toBeDefined();
});
