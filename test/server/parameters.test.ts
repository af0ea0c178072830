/** Nothing that is asked for over HTTP is dropped in silence. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { png, prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let serving: Serving;
let server: RunningServer;
let paths: Record<string, Record<string, { parameters?: { in: string; name: string }[] }>>;

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start();
  ({ paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: typeof paths });
});
afterAll(() => serving.stop());

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

describe('a query parameter', () => {
  it('that a route does not know is refused on every route, with those that it knows', async () => {
    let routes = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { parameters = [] }] of Object.entries(methods)) {
        routes++;
        const at = path.replace('{m}', 'tiny').replace('{s}', 'shoes').replace('{id}', 'one');
        const response = await fetch(`${server.url}${at}?qualty=90`, { method: method.toUpperCase() });
        expect([path, method, response.status]).toEqual([path, method, 422]);
        const problem = (await response.json()) as { code: string; detail: string };
        expect(problem.code).toBe('unknown-parameter');
        for (const { in: place, name } of parameters) {
          if (place === 'query') expect(problem.detail).toContain(name);
        }
      }
    }
    expect(routes).toBeGreaterThan(12);
    for (const path of ['/docs', '/openapi.json', '/']) {
      expect((await fetch(`${server.url}${path}?x=1`, { redirect: 'manual' })).status).toBe(422);
    }
  });

  it('that is given twice is refused', async () => {
    const response = await fetch(`${server.url}/v1/models/tiny/encode?quality=50&quality=90`, {
      method: 'POST',
      body: (await png()) as Uint8Array<ArrayBuffer>,
    });
    expect(await codeOf(response)).toBe('repeated-parameter');
  });

  it('of a path that is not there leaves it not there', async () => {
    expect((await fetch(`${server.url}/v1/nothing?x=1`)).status).toBe(404);
  });
});

describe('what does not go together', () => {
  const post = (path: string, body: unknown, accept = 'image/png') =>
    fetch(`${server.url}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify(body),
    });
  const functa = 'application/vnd.functa';

  it.each<[string, unknown, string | undefined, string]>([
    ['models/tiny/sample', { prior: 'diffusion', guidance: 3 }, undefined, 'guidance-without-label'],
    ['models/tiny/sample', { guidance: 3 }, undefined, 'guidance-without-label'],
    ['models/tiny/sample', { prior: 'factorized', guidance: 3 }, undefined, 'prior-cannot'],
    ['models/tiny/sample', { size: '2x' }, functa, 'size-of-function'],
    ['models/tiny/sample', { qualty: 3 }, undefined, 'bad-parameter'],
    ['functasets/shoes/combine', { kind: 'mean', label: '7', size: '2x' }, functa, 'size-of-function'],
    ['functasets/shoes/combine', { kind: 'mean', label: '7', quality: 20 }, undefined, 'quality-of-signal'],
    ['functasets/shoes/combine', { kind: 'mean', label: '7', step: 3 }, undefined, 'bad-parameter'],
    [
      'functasets/shoes/query',
      { kind: 'evaluate', coordinates: [[29, 3]] },
      'application/json',
      'outside-signal',
    ],
    ['functasets/shoes/query', { kind: 'aggregate', points: 9 }, 'application/json', 'bad-query'],
    ['functasets/shoes/query', { kind: 'where', over: 1 }, 'application/json', 'bad-parameter'],
  ])('%s with %j is refused', async (path, body, accept, code) => {
    const response = await post(path, body, accept);
    expect(response.status).toBe(422);
    expect(await codeOf(response)).toBe(code);
  });

  it('a size of a function in bytes, or of what is known of it, is refused', async () => {
    const page = (await (await fetch(`${server.url}/v1/functasets/shoes/functions?limit=1`)).json()) as {
      functions: { links: { self: string } }[];
    };
    const { self } = page.functions[0]!.links;
    for (const accept of [functa, 'application/json']) {
      const response = await fetch(`${server.url}${self}?size=2x`, { headers: { accept } });
      expect(await codeOf(response)).toBe('size-of-function');
    }
  });
});
