import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpenAPIHono } from '@hono/zod-openapi';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needs } from '../../server/access/access.ts';
import { digestOfKey, keyPath } from '../../server/access/key-files.ts';
import { Keyring } from '../../server/access/keyring.ts';
import { createKey, FunctaClient, listKeys, revokeKey, rotateKey, type Scope } from '../../server/index.ts';
import type { ServerEnv } from '../../server/operations/log.ts';
import { routeTable } from '../../server/route-table.ts';
import { temporary } from '../temporary.ts';
import { documentOf, furnish, type Names, type Operation, operationsOf, requestFor } from './every-route.ts';
import { prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 120_000 });

let serving: Serving;
beforeAll(async () => {
  serving = await prepare();
}, 120_000);
afterAll(() => serving.stop());

const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('keys on the disk', () => {
  it('are shown once: what is kept is a digest of 256 random bits', () => {
    const directory = temporary();
    const { key, record } = createKey(directory, { scope: 'write', namespace: 'shop', note: 'thumbnails' });
    expect(key).toMatch(/^functa_[0-9a-f]{12}_[\w-]{43}$/);
    const stored = readFileSync(keyPath(directory, record.id), 'utf8');
    expect(stored).not.toContain(key.slice(20));
    expect(stored).toContain(digestOfKey(key).toString('hex'));
    expect(listKeys(directory)).toEqual([record]);
    expect(readdirSync(directory)).toEqual([`${record.id}.key`]);
  });

  it('are known, expire, are revoked and rotated, with no restart', () => {
    const directory = temporary();
    let now = 1_000_000;
    const ring = new Keyring(directory, () => now);
    expect(ring.any).toBe(false);
    const code = (key: string) => {
      try {
        return ring.check(key);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const made = createKey(directory, { scope: 'write', namespace: 'shop', lifeMs: 5000 }, now);
    expect(ring.any).toBe(true);
    expect(code(made.key)).toEqual({ scope: 'write', namespace: 'shop', key: made.record.id });
    const flipped = made.key.slice(0, -1) + (made.key.endsWith('A') ? 'B' : 'A');
    for (const wrong of ['', 'x', flipped, made.key.replace(made.record.id, '0123456789ab'), `${made.key}A`])
      expect(code(wrong)).toBe('key-unknown');
    const next = rotateKey(directory, made.record.id, 1000, now);
    expect(next.record).toMatchObject({ scope: 'write', namespace: 'shop', expiresAt: now + 5000 });
    now += 999;
    expect(code(made.key)).toMatchObject({ scope: 'write' });
    now += 1;
    expect(code(made.key)).toBe('key-expired');
    expect(code(next.key)).toMatchObject({ key: next.record.id });
    revokeKey(directory, next.record.id, now);
    expect(code(next.key)).toBe('key-revoked');
    expect(ring.any).toBe(true);
    expect(() => revokeKey(directory, '../../etc/passwd')).toThrow('there is no key');
    expect(() => createKey(directory, { scope: 'read', namespace: '../x' })).toThrow('a namespace is');
  });

  it('open nothing when their file is damaged', () => {
    const directory = temporary();
    const { key, record } = createKey(directory, { scope: 'admin', namespace: 'default' });
    appendFileSync(keyPath(directory, record.id), ' ');
    expect(() => new Keyring(directory).check(key)).toThrow('the file of key');
  });
});

describe('a server', () => {
  it('is open on this machine until a key is made, and not again when it is revoked', async () => {
    const home = join(serving.directory, 'home-open');
    const server = await serving.start({ home });
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(200);
    const { key, record } = createKey(join(home, 'keys'), { scope: 'read', namespace: 'default' });
    const refused = await fetch(`${server.url}/v1/models`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="functa", scope="read"',
    ]);
    expect(await refused.json()).toMatchObject({ code: 'key-needed' });
    expect((await fetch(`${server.url}/v1/models`, bearer(key))).status).toBe(200);
    expect(await new FunctaClient(server.url, { key }).models()).toHaveLength(1);
    revokeKey(join(home, 'keys'), record.id);
    expect((await fetch(`${server.url}/v1/models`, bearer(key))).status).toBe(401);
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });

  it('does not start where others reach it and there is no key, unless it is said what they may do', async () => {
    const home = join(serving.directory, 'home-reach');
    await expect(serving.start({ home, host: '0.0.0.0' })).rejects.toThrow('functa keys create');
    const open = await serving.start({
      home,
      host: '0.0.0.0',
      anonymous: 'read',
      traffic: { requestsPerSecond: 1 },
    });
    const often = [
      await fetch(`http://127.0.0.1:${open.port}/v1/models`),
      await fetch(`http://127.0.0.1:${open.port}/v1/models`),
    ];
    expect(often.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [200, null],
      [429, '1'],
    ]);
    createKey(join(home, 'keys'), { scope: 'read', namespace: 'default' });
    const closed = await serving.start({ keys: join(home, 'keys'), host: '0.0.0.0' });
    expect((await fetch(`http://127.0.0.1:${closed.port}/v1/models`)).status).toBe(401);
  });

  it('lets no page of another site change anything, unless it is allowed', async () => {
    const server = await serving.start({ origins: ['https://shop.example'] });
    const ask = (origin: string | undefined) =>
      fetch(`${server.url}/v1/models/tiny/sample`, {
        method: 'POST',
        body: '{"count":1}',
        headers: { 'content-type': 'application/json', ...(origin === undefined ? {} : { origin }) },
      });
    const statuses = [undefined, server.url, 'https://shop.example', 'https://evil.example', 'null'];
    const found = await Promise.all(statuses.map(ask));
    expect(found.map(({ status }) => status)).toEqual([200, 200, 200, 403, 403]);
    expect(found.map(({ headers }) => headers.get('access-control-allow-origin'))).toEqual([
      null,
      null,
      'https://shop.example',
      null,
      null,
    ]);
    const preflight = await fetch(`${server.url}/v1/models/tiny/sample`, {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      expect.stringContaining('authorization'),
    ]);
  });
});

it('a route that does not say whom it serves keeps the service from starting', () => {
  const app = new OpenAPIHono<ServerEnv>();
  const route = { method: 'get', path: '/a/{b}', responses: { 200: { description: 'x' } } } as const;
  app.openapi({ ...route, security: needs('write') }, (c) => c.text('x') as never);
  expect([...routeTable(app).values()]).toEqual([
    { method: 'GET', path: '/a/{b}', needs: 'write', query: [] },
  ]);
  app.openapi({ ...route, path: '/c' }, (c) => c.text('x') as never);
  expect(() => routeTable(app)).toThrow('GET /c does not say which scope it needs');
  const bare = new OpenAPIHono<ServerEnv>();
  bare.get('/d', (c) => c.text('x'));
  expect(() => routeTable(bare)).toThrow('GET /d does not say');
});

describe('every route', () => {
  const rows = ['no key', 'wrong', 'expired', 'read-only', 'other namespace', 'right'] as const;

  it('asks for the key that it says, and for nothing else', async () => {
    const home = join(serving.directory, 'home-matrix');
    const server = await serving.start({ home });
    const document = await documentOf(server.url);
    const make = (scope: Scope, namespace: string, lifeMs?: number) =>
      createKey(join(home, 'keys'), { scope, namespace, lifeMs }).key;
    const keys: Record<(typeof rows)[number], string | undefined> = {
      'no key': undefined,
      wrong: `functa_0123456789ab_${'A'.repeat(43)}`,
      expired: make('admin', 'default', -1),
      'read-only': make('read', 'default'),
      'other namespace': make('admin', 'other'),
      right: make('admin', 'default'),
    };
    const model = new Uint8Array(readFileSync(join(serving.directory, 'tiny.safetensors')));
    const known = await furnish(server.url, { key: keys.right, model });
    const operations = operationsOf(document).sort(
      (x, y) => rankOf(x) - rankOf(y) || y.path.length - x.path.length,
    );
    const ask = async (
      path: string,
      init: ReturnType<typeof requestFor>['init'],
      key: string | undefined,
    ) => {
      const headers = { ...init.headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
      const response = await fetch(`${server.url}${path}`, { ...init, headers, redirect: 'manual' });
      return { status: response.status, text: await response.text() };
    };
    for (const operation of operations) {
      const { path, init } = requestFor(operation, document, known);
      const found: Record<string, number> = {};
      let foreign = '';
      for (const row of rows) {
        const { status, text } = await ask(path, init, keys[row]);
        found[row] = status;
        if (row === 'other namespace') foreign = text;
        expect(
          Object.keys(operation.described.responses),
          `${operation.method} ${path}, ${row}: ${text}`,
        ).toContain(String(status));
      }
      const open = operation.needs === 'none';
      const label = `${operation.method} ${path} ${JSON.stringify(found)}`;
      expect(found['no key'] === 401, label).toBe(!open);
      expect([found.wrong, found.expired], label).toEqual([401, 401]);
      expect(found['read-only'] === 403, label).toBe(
        operation.needs === 'write' || operation.needs === 'admin',
      );
      expect([401, 403, 429, 500, 503], label).not.toContain(found.right);
      if (!/\{[sjunm]\}/.test(operation.path) || isMaking(operation)) continue;
      // what another made is told of in the words of what nobody made
      const names = Object.fromEntries(
        Object.entries(known.names).map(([name, value]) => [name, 'sjunm'.includes(name) ? absent : value]),
      );
      const missing = requestFor(operation, document, { ...known, names });
      const nobody = await ask(missing.path, missing.init, keys['other namespace']);
      expect([found['other namespace'], nobody.status], label).toEqual([404, 404]);
      expect(plain(foreign, known.names), label).toEqual(
        plain(nobody.text, { s: absent, n: absent, u: absent, j: absent, m: absent }),
      );
    }
  });
});

const absent = 'nobody-made-this';

/** A problem without its request and without names. */
function plain(text: string, names: Names): unknown {
  const { requestId: _, detail, ...rest } = JSON.parse(text) as { requestId: string; detail: string };
  const hidden = ['s', 'n', 'u', 'j', 'm'].reduce(
    (said, name) => said.replaceAll(names[name]!, '...'),
    detail,
  );
  return { ...rest, detail: hidden };
}

/** What takes things away comes last, inner things first; a namespace makes its own of a name after that. */
function rankOf(operation: Operation): number {
  return isMaking(operation)
    ? 2
    : operation.method === 'DELETE' || operation.path.endsWith('/delete')
      ? 1
      : 0;
}

function isMaking({ method, path }: Operation): boolean {
  return method === 'PUT' && ['/v1/functasets/{s}', '/v1/models/{m}'].includes(path);
}
