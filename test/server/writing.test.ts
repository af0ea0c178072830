import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKey, FunctaClient, type RunningServer, type Scope } from '../../server/index.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { storedZip } from '../../src/formats/zip.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let client: FunctaClient;
let home: string;
let picture: Uint8Array;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  home = mkdtempSync(join(tmpdir(), 'functa-home-'));
  server = await serving.start({ home });
  client = new FunctaClient(server.url);
  picture = await png();
}, 120_000);

afterAll(async () => {
  await serving.stop();
  rmSync(home, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: answers of many routes
type Json = any;

const send = (method: string, path: string, init: RequestInit & { json?: unknown } = {}) => {
  const { json, headers, ...rest } = init;
  return fetch(`${server.url}/v1/functasets${path}`, {
    method,
    ...rest,
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
};
const body = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;
const post = (path: string, bytes: Uint8Array, headers: Record<string, string> = {}) =>
  send('POST', path, { body: body(bytes), headers: { 'content-type': 'image/png', ...headers } });
const create = async (name: string) =>
  expect((await send('PUT', `/${name}`, { json: { model: 'tiny' } })).status).toBe(201);

describe('a functaset over HTTP', () => {
  it('is made once, listed, filled, read and taken away', async () => {
    const made = await send('PUT', '/mine', { json: { model: 'tiny' } });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/v1/functasets/mine');
    expect(await made.json()).toMatchObject({ name: 'mine', functions: 0, model: 'tiny' });
    expect((await send('PUT', '/mine', { json: { model: 'tiny' } })).status).toBe(200);

    const put = await post('/mine/functions?id=one&label=7', picture);
    expect(put.status).toBe(201);
    const { functions, errors } = (await put.json()) as Json;
    expect(errors).toEqual([]);
    expect(functions).toMatchObject([{ id: 'one', label: 7, shape: [28, 28], metadata: {} }]);
    expect(functions[0].psnrDb).toBeGreaterThan(5);

    const got = await send('GET', '/mine/functions/one', { headers: { accept: 'application/json' } });
    expect(await got.json()).toEqual(functions[0]);
    const drawn = await send('GET', '/mine/functions/one');
    expect([drawn.status, drawn.headers.get('content-type')]).toEqual([200, 'image/png']);

    const listed = (await (await send('GET', '')).json()) as Json;
    expect(listed.functasets.map(({ name }: Json) => name)).toEqual(['mine', 'shoes']);
    expect((await send('DELETE', '/mine')).status).toBe(204);
    expect((await send('GET', '/mine/functions/one')).status).toBe(404);
    expect((await send('PUT', '/mine', { json: { model: 'tiny' } })).status).toBe(201);
    expect(((await (await send('GET', '/mine')).json()) as Json).functions).toBe(0);
  });
});

describe('functions over HTTP', () => {
  beforeAll(() => create('many'));

  it('are kept of a form, of a tar and of an archive, and a bad one does not stop the others', async () => {
    const added = await client.addFunctions('many', [
      { bytes: picture, id: 'a', label: 'shoe', metadata: { shelf: 7 } },
      { bytes: new Uint8Array([1, 2, 3]), id: 'bad' },
      { bytes: picture, id: 'a' },
      { bytes: picture, id: 'b', label: 3 },
    ]);
    expect(added.functions.map(({ id, label, metadata }) => [id, label, metadata])).toEqual([
      ['a', 'shoe', { shelf: 7 }],
      ['b', 3, {}],
    ]);
    expect(added.errors.map(({ at, id, code }) => [at, id, code])).toEqual([
      [1, 'bad', 'media-type-mismatch'],
      [2, 'a', 'function-exists'],
    ]);
    const file = await client.function('many', 'a', { format: 'functa' });
    const again = await client.addFunction('many', file, { id: 'as-file', label: '7' });
    expect(again.functions).toMatchObject([
      { id: 'as-file', label: 7, psnrDb: null, codedBytes: file.length },
    ]);
    const archive = await client.sample('tiny', { count: 3, seed: 1 }, { format: 'functa' });
    const unpacked = await client.addFunction('many', archive);
    expect(unpacked.functions.map(({ id }) => id)).toEqual(['sample-1-0', 'sample-1-1', 'sample-1-2']);
    const tar = await client.addFunction('many', tarOf({ 'deep/one.png': picture, 'two.png': picture }));
    expect(tar.functions.map(({ id }) => id)).toEqual(['one', 'two']);
    const all = await client.addFunctions('many', [{ bytes: picture, id: 'a' }]).catch((error) => error);
    expect(all.problem).toMatchObject({ status: 422, code: 'all-failed' });
    const one = await client.addFunction('many', picture, { id: 'a' }).catch((error) => error);
    expect(one.problem).toMatchObject({ status: 409, code: 'function-exists' });
    const over = await client.addFunction('many', picture, { id: 'a', replace: true, quality: 80 });
    expect(over.functions).toMatchObject([{ id: 'a', label: null }]);
  });

  it('are kept of a tar by gzip, of a ZIP and of a JSON batch, each as of a form', async () => {
    const files = { 'one.png': picture, '.hidden': picture, 'in/two.png': picture };
    const hidden = { at: 2, id: 'bad', status: 415, code: 'media-type-mismatch' };
    const batch = {
      functions: [
        { id: 'one', label: 'shoe', metadata: { shelf: 7 }, data: Buffer.from(picture).toString('base64') },
        { id: 'two', type: 'image/png', data: Buffer.from(picture).toString('base64') },
        { id: 'bad', data: 'AAEC' },
      ],
    };
    const bodies = {
      'application/gzip': gzipSync(tarOf(files)),
      'application/octet-stream': gzipSync(tarOf(files)),
      'application/zip': storedZip(new Map(Object.entries(files))),
      'application/json': Buffer.from(JSON.stringify(batch)),
    };
    for (const [type, bytes] of Object.entries(bodies)) {
      const response = await post('/many/functions?replace=true', bytes, { 'content-type': type });
      const { functions, errors } = (await response.json()) as Json;
      expect([response.status, functions.map(({ id }: Json) => id)], type).toEqual([201, ['one', 'two']]);
      expect(errors, type).toMatchObject(type === 'application/json' ? [hidden] : []);
    }
    const one = await client.functionInfo('many', 'one');
    expect(one).toMatchObject({ label: 'shoe', metadata: { shelf: 7 } });
  });

  it('are refused of archives that unpack to too much, and of what is no batch', async () => {
    const small = await serving.start({ home: join(home, 'small'), limits: { maxFileBytes: 2 ** 16 } });
    const path = `${small.url}/v1/functasets/small`;
    const json = { 'content-type': 'application/json' };
    await fetch(path, { method: 'PUT', headers: json, body: '{"model":"tiny"}' });
    const empty = { 'a.png': new Uint8Array(40_000), 'b.png': new Uint8Array(40_000) };
    const zip = storedZip(new Map(Object.entries(empty)));
    for (const [type, bytes, status, code] of [
      ['application/gzip', gzipSync(tarOf(empty)), 413, 'limit-file-bytes'],
      ['application/gzip', gzipSync(Buffer.alloc(2 ** 20)), 413, 'limit-file-bytes'],
      ['application/gzip', Buffer.from('no gzip'), 415, 'media-type-mismatch'],
      ['application/zip', zip, 413, 'limit-file-bytes'],
      ['application/zip', Buffer.concat([zip.subarray(0, 40_000)]), 422, 'truncated'],
      ['application/json', Buffer.from('{"functions":'), 422, 'bad-batch'],
      ['application/json', Buffer.from('{"functions":[]}'), 422, 'bad-batch'],
      ['application/json', Buffer.from('{"functions":[{"data":"*"}]}'), 422, 'bad-batch'],
    ] as const) {
      const headers = { 'content-type': type };
      const response = await fetch(`${path}/functions`, { method: 'POST', headers, body: body(bytes) });
      const found = (await response.json()) as Json;
      expect([response.status, found.code], `${type}: ${found.detail}`).toEqual([status, code]);
    }
    await small.close();
  });

  it('are kept of the field of a file that is named', async () => {
    const grey = new Float32Array(784).fill(0.25);
    const npz = storedZip(
      new Map([
        ['dark.npy', writeNpy({ dtype: 'F32', shape: [28, 28], data: new Float32Array(784) })],
        ['grey.npy', writeNpy({ dtype: 'F32', shape: [28, 28], data: grey })],
      ]),
    );
    const named = await post('/many/functions?id=grey&variable=grey', npz, {
      'content-type': 'application/octet-stream',
    });
    expect(named.status).toBe(201);
    const [[value]] = (await client.valuesAt('many', 'grey', [[14, 14]])) as [[number]];
    expect(value).toBeCloseTo(0.25, 0);
    const none = await post('/many/functions?variable=none', npz, {
      'content-type': 'application/octet-stream',
    });
    expect(none.status).toBe(422);
  });

  it('are kept of modulations, and give them back', async () => {
    const npy = await client.modulation('many', 'b', { format: 'npy' });
    const safetensors = await client.modulation('many', 'b');
    for (const [id, bytes] of [
      ['npy', npy],
      ['safetensors', safetensors],
    ] as const) {
      const { functions } = await client.addFunction('many', bytes, { id, as: 'modulations', label: 'm' });
      expect(functions.map((fn) => fn.label)).toEqual(['m']);
      const back = await client.modulation('many', functions[0]!.id, { format: 'npy' });
      expect(back.length).toBe(npy.length);
    }
  });

  it('change only as the version that is named, and say which one they are', async () => {
    const put = await client.putFunction('many', 'v', picture, { ifAbsent: true, label: 1 });
    await expect(client.putFunction('many', 'v', picture, { ifAbsent: true })).rejects.toMatchObject({
      problem: { status: 412, code: 'precondition-failed' },
    });
    const changed = await client.changeFunction('many', 'v', { label: null, metadata: { a: [1] } });
    expect(changed).toMatchObject({ label: null, metadata: { a: [1] }, bits: put.bits });
    expect(changed.version).not.toBe(put.version);
    for (const work of [
      () => client.putFunction('many', 'v', picture, { ifVersion: put.version }),
      () => client.changeFunction('many', 'v', { label: 2 }, { ifVersion: put.version }),
      () => client.deleteFunction('many', 'v', { ifVersion: put.version }),
    ])
      await expect(work()).rejects.toMatchObject({ problem: { code: 'precondition-failed' } });
    const tag = (await send('GET', '/many/functions/v')).headers.get('etag')!;
    expect(tag).toMatch(new RegExp(`^"${changed.version}\\.`));
    expect((await send('GET', '/many/functions/v', { headers: { 'if-none-match': tag } })).status).toBe(304);
    const path = `/many/functions/v?v=${changed.version}`;
    expect((await send('GET', path)).headers.get('cache-control')).toContain('immutable');
    expect((await send('GET', `/many/functions/v?v=${put.version}`)).status).toBe(404);
    expect((await send('DELETE', '/many/functions/v', { headers: { 'if-match': tag } })).status).toBe(204);
    expect((await send('DELETE', '/many/functions/v')).status).toBe(404);
  });

  it('answer a request that comes again under its key as they did, and refuse another under it', async () => {
    const add = (label: string) =>
      post(`/many/functions?label=${label}`, picture, { 'idempotency-key': 'k-1' });
    const [first, twin] = await Promise.all([add('x'), add('x')]);
    const text = await first.text();
    expect([first.status, await twin.text()]).toEqual([201, text]);
    const later = await add('x');
    expect(later.headers.get('idempotent-replayed')).toBe('true');
    expect(await later.text()).toBe(text);
    expect(await (await add('y')).json()).toMatchObject({ status: 422, code: 'idempotency-mismatch' });
    const found: string[] = [];
    for await (const { id } of client.functions('many', { label: 'x' })) found.push(id);
    expect(found).toHaveLength(1);
  });

  it('are drawn as tiles and at widths, asked at points, and given in ranges', async () => {
    const { default: sharp } = await import('sharp');
    const sizeOf = async (bytes: Uint8Array) => {
      const { width, height } = await sharp(bytes).metadata();
      return [width, height];
    };
    expect(await sizeOf(await client.tile('many', 'b', { z: 0, x: 0, y: 0 }))).toEqual([28, 28]);
    expect(await sizeOf(await client.tile('many', 'b', { z: 4, x: 1, y: 0 }))).toEqual([192, 256]);
    expect(await sizeOf(await client.tile('many', 'b', { z: -2, x: 0, y: 0 }))).toEqual([7, 7]);
    await expect(client.tile('many', 'b', { z: 0, x: 1, y: 0 })).rejects.toMatchObject({
      problem: { status: 404, code: 'bad-tile' },
    });
    expect(await sizeOf(await client.function('many', 'b', { width: 64 }))).toEqual([64, 64]);
    expect((await send('GET', '/many/functions/b?width=65')).status).toBe(422);
    const [[value]] = (await client.valuesAt('many', 'b', [[13.5, 13.5]])) as [[number]];
    expect(value).toBeGreaterThan(-0.5);
    expect((await send('GET', '/many/functions/b?at=1', { headers: { accept: '*/*' } })).status).toBe(422);
    const whole = await client.function('many', 'b', { format: 'functa' });
    const part = (range: string) =>
      send('GET', '/many/functions/b', { headers: { accept: 'application/vnd.functa', range } });
    const middle = await part('bytes=2-5');
    expect([middle.status, middle.headers.get('content-range')]).toEqual([206, `bytes 2-5/${whole.length}`]);
    expect(new Uint8Array(await middle.arrayBuffer())).toEqual(whole.slice(2, 6));
    expect(new Uint8Array(await (await part('bytes=-3')).arrayBuffer())).toEqual(whole.slice(-3));
    const beyond = await part('bytes=999999-');
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${whole.length}`]);
  });

  it('are listed and taken out by the filter of queries', async () => {
    const idsOf = async (filter: object) => {
      const ids: string[] = [];
      for await (const { id } of client.functions('many', { filter, limit: 2 })) ids.push(id);
      return ids;
    };
    expect(await idsOf({ idPrefix: 'sample-' })).toEqual(['sample-1-0', 'sample-1-1', 'sample-1-2']);
    expect(await client.deleteFunctions('many', { filter: { idPrefix: 'sample-', labels: undefined } })).toBe(
      3,
    );
    expect(await client.deleteFunctions('many', { ids: ['one', 'one', 'nobody'] })).toBe(1);
    expect(await idsOf({ idPrefix: 'sample-' })).toEqual([]);
    expect((await send('POST', '/many/delete', { json: {} })).status).toBe(422);
  });
});

describe('a hundred at once', () => {
  let crowd: RunningServer;
  let own: FunctaClient;
  const place = () => join(home, 'crowd');
  const path = () => join(place(), 'functasets/default/crowd');

  beforeAll(async () => {
    crowd = await serving.start({ home: place(), functasets: [], waiting: 128 });
    own = new FunctaClient(crowd.url);
    await own.createFunctaset('crowd', { model: 'tiny' });
  }, 120_000);
  afterAll(() => crowd.close());

  it('are all there, each read as soon as it was acknowledged', async () => {
    const file = await client.function('shoes', await firstOf('shoes'), { format: 'functa' });
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await own.addFunction('crowd', file, { id: `n${i}` });
        expect((await own.functionInfo('crowd', `n${i}`)).id).toBe(`n${i}`);
      }),
    );
    expect((await own.functaset('crowd')).functions).toBe(100);
    const store = await openFunctaset(path(), { readOnly: true });
    expect(await store.verify()).toMatchObject({ ok: true, functions: 100 });
    await store.close();
  });

  it('are read to the end or told that the functaset is gone, when it is taken away meanwhile', async () => {
    const reads = Array.from({ length: 20 }, async (_, i) => {
      const answer = await fetch(own.functionUrl('crowd', `n${i}`, { size: '4x' }));
      await answer.arrayBuffer();
      return answer.status;
    });
    await own.deleteFunctaset('crowd');
    for (const status of await Promise.all(reads)) expect([200, 404, 409, 503]).toContain(status);
    expect(readdirSync(join(path(), '..'))).toEqual([]);
  });
});

describe('names', () => {
  const attacks = [
    '..',
    '.',
    '../x',
    '..\\x',
    '/etc',
    'a/b',
    'a\\b',
    '.hidden',
    'a\u0000',
    'a%2fb',
    '%2e%2e',
    'x'.repeat(65),
    'ünïcode',
    'a b',
    '~',
    '-rf',
    'a.',
    'con:',
    'CON.txt',
    '\u202e',
    '',
  ];

  it('that would lead out of a directory make nothing and find nothing, on any route', async () => {
    const before = readdirSync(home, { recursive: true })
      .filter((name) => !String(name).includes('mdb'))
      .sort();
    for (const attack of attacks) {
      const name = encodeURIComponent(attack);
      const made = await send('PUT', `/${name}`, { json: { model: 'tiny' } });
      expect([404, 405, 422], attack).toContain(made.status);
      for (const [method, path] of [
        ['GET', `/${name}`],
        ['DELETE', `/${name}`],
        ['GET', `/${name}/functions`],
        ['POST', `/${name}/functions`],
        ['GET', `/${name}/functions/a`],
        ['GET', `/${name}/functions/a/tiles/0/0/0`],
        ['GET', `/many/functions/${name}`],
        ['DELETE', `/many/functions/${name}`],
        ['GET', `/many/functions/${name}/modulation`],
      ] as const) {
        const init =
          method === 'POST' ? { body: body(picture), headers: { 'content-type': 'image/png' } } : {};
        const answer = await send(method, path, init);
        const text = await answer.text();
        expect(answer.status >= 400 || (method === 'GET' && attack === ''), `${method} ${path}`).toBe(true);
        expect(answer.status, `${method} ${path}`).not.toBe(500);
        expect(text).not.toContain(home);
      }
    }
    const after = readdirSync(home, { recursive: true })
      .filter((name) => !String(name).includes('mdb'))
      .sort();
    expect(after).toEqual(before);
  });

  it('of another namespace are not there, and the same name may be made in each', async () => {
    const keys = join(home, 'keys');
    const of = (namespace: string, scope: Scope) =>
      new FunctaClient(server.url, { key: createKey(keys, { scope, namespace }).key });
    const [one, other, reader] = [of('one', 'write'), of('other', 'write'), of('one', 'read')];
    await one.createFunctaset('same', { model: 'tiny' });
    await one.addFunction('same', picture, { id: 'mine' });
    await expect(other.functaset('same')).rejects.toMatchObject({ problem: { code: 'unknown-functaset' } });
    await other.createFunctaset('same', { model: 'tiny' });
    expect((await other.functaset('same')).functions).toBe(0);
    await other.deleteFunctaset('same');
    expect((await reader.functionInfo('same', 'mine')).id).toBe('mine');
    await expect(reader.deleteFunctaset('same')).rejects.toMatchObject({ problem: { status: 403 } });
    await expect(one.addFunction('shoes', picture)).rejects.toMatchObject({
      problem: { status: 403, code: 'scope-needed' },
    });
  });
});

describe('the disk', () => {
  it('is not written to without a home, nor where it may not be, and what is read goes on', async () => {
    const without = await serving.start();
    const bare = new FunctaClient(without.url);
    await expect(bare.createFunctaset('new', { model: 'tiny' })).rejects.toMatchObject({
      problem: { status: 409, code: 'no-home' },
    });
    // The operator's own, which needs no home.
    const { functions } = await bare.addFunction('shoes', picture, { id: 'extra' });
    expect(functions).toHaveLength(1);
    expect(await bare.deleteFunctions('shoes', { ids: ['extra'] })).toBe(1);
    await expect(bare.deleteFunctaset('shoes')).rejects.toMatchObject({
      problem: { code: 'functaset-fixed' },
    });
    await without.close();
  });
});

async function firstOf(functaset: string): Promise<string> {
  for await (const { id } of client.functions(functaset, { limit: 1 })) return id;
  throw new Error('it is empty');
}

/** POSIX.1-1988, ustar. */
function tarOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write('0000644\u00000000000\u00000000000\u0000', 100);
    head.write(`${bytes.length.toString(8).padStart(11, '0')}\u0000${'0'.repeat(11)}\u0000        0`, 124);
    head.write('ustar\u000000', 257);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
    blocks.push(head, bytes, new Uint8Array(-bytes.length & 511));
  }
  return Buffer.concat([...blocks, new Uint8Array(1024)]);
}
