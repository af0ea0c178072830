import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FunctaClient, ProblemError, type RunningServer } from '../../server/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { fitCoin } from '../../src/jobs/index.ts';
import { openSession } from '../../src/session/index.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let client: FunctaClient;
let picture: Uint8Array;

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start();
  client = new FunctaClient(server.url);
  picture = await png();
}, 120_000);

afterAll(() => serving.stop());

const post = (path: string, body: Uint8Array | string, headers: Record<string, string>) =>
  fetch(`${server.url}${path}`, { method: 'POST', body: body as string, headers });

describe('health and documentation', () => {
  it('is alive and ready', async () => {
    expect(await (await fetch(`${server.url}/livez`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
      status: 'ok',
      models: 1,
      functasets: 1,
      engine: serving.engine.name,
    });
  });

  it('describes every route in OpenAPI 3.1, with problems', async () => {
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual([
      '/livez',
      '/readyz',
      '/v1/models',
      '/v1/models/{m}',
      '/v1/models/{m}/encode',
      '/v1/encode',
      '/v1/models/{m}/decode',
      '/v1/decode',
      '/v1/models/{m}/sample',
      '/v1/models/{m}/ready',
      '/v1/models/{m}/beside/{kind}',
      '/v1/models/{m}/complete',
      '/v1/models/{m}/classify',
      '/v1/functasets/{s}/classify',
      '/v1/peers/{peer}',
      '/v1/inspect',
      '/v1/functasets',
      '/v1/functasets/{s}',
      '/v1/functasets/{s}/functions',
      '/v1/functasets/{s}/functions/{id}',
      '/v1/functasets/{s}/functions/{id}/modulation',
      '/v1/functasets/{s}/functions/{id}/tiles/{z}/{x}/{y}',
      '/v1/functasets/{s}/delete',
      '/v1/functasets/{s}/query',
      '/v1/shards/query',
      '/v1/functasets/{s}/combine',
      '/v1/uploads',
      '/v1/uploads/{u}',
      '/v1/jobs',
      '/v1/jobs/{j}',
      '/v1/jobs/{j}/pause',
      '/v1/jobs/{j}/resume',
      '/v1/jobs/{j}/events',
      '/v1/jobs/{j}/result',
      '/v1/functasets/{s}/snapshots',
      '/v1/functasets/{s}/snapshots/{n}',
      '/v1/functasets/{s}/snapshots/{n}/restore',
      '/v1/functasets/{s}/map',
      '/',
      '/studio/{file}',
      '/v1/models/{m}/file',
      '/openapi.json',
      '/docs',
      '/docs/scalar.js',
    ]);
    expect(Object.keys(document.paths['/v1/models/{m}/decode']!.post!.responses)).toContain('409');
  });

  it('gives commands that send files as they are', async () => {
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { 'x-codeSamples': { source: string }[]; requestBody?: object }>>;
    };
    const samples = Object.values(document.paths).flatMap((operations) =>
      Object.values(operations).map((operation) => operation['x-codeSamples'][0]!.source),
    );
    for (const sample of samples) expect(sample).toMatch(/^curl .*'http:\/\/127\.0\.0\.1:\d+\/[^']*'$/);
    // Of bodies of bytes: encode, decode by a model and by the file, classify, a peer, inspect, put by POST and by PUT, an upload, a
    // model and what stands beside it, and encode by whichever model.
    expect(samples.filter((sample) => sample.includes(' --data-binary @'))).toHaveLength(12);
    expect(samples.filter((sample) => /--data |-d @/.test(sample))).toEqual([]);
    const encode = samples.find((sample) => sample.includes('/encode'))!;
    const here = join(serving.directory, 'curl');
    await mkdir(here);
    await writeFile(join(here, 'picture.png'), picture);
    await promisify(execFile)('sh', ['-c', encode.replace('/cifar10/', '/tiny/')], { cwd: here });
    const own = await client.encode('tiny', picture, { type: 'image/png' });
    expect(new Uint8Array(await readFile(join(here, 'one.functa')))).toEqual(own.bytes);
  });

  it('serves the reference page from the package alone', async () => {
    const page = await fetch(`${server.url}/docs`);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(html).not.toMatch(/https?:\/\//);
    const script = await fetch(`${server.url}/docs/scalar.js`);
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect((await script.text()).length).toBeGreaterThan(1e6);
    const home = await fetch(server.url);
    expect(home.headers.get('content-type')).toContain('text/html');
    // Studio where it was built, else a line that says how it is
    expect(await home.text()).toMatch(/functa Studio|npm run build/);
    expect((await fetch(`${server.url}/studio/..%2findex.html`)).status).toBe(404);
    // a name that every object has is no file
    expect((await fetch(`${server.url}/studio/constructor`)).status).toBe(404);
  });

  it('serves the files of Studio packed to who unpacks them, each form with a tag of its own', async () => {
    const ask = async (encoding: string, tag = '') => {
      const headers = { 'accept-encoding': encoding, 'if-none-match': tag };
      const response = await fetch(`${server.url}/studio/studio.css`, { headers });
      const { status } = response;
      const [coding, vary, etag] = ['content-encoding', 'vary', 'etag'].map((name) =>
        response.headers.get(name),
      );
      return { status, coding, vary, etag: etag!, text: await response.text() };
    };
    const plain = await ask('identity');
    expect(plain).toMatchObject({ status: 200, coding: null, vary: 'accept-encoding' });
    const forms = { br: 'gzip, br', gzip: 'br;q=0, gzip;q=0.5' };
    for (const [coding, accepted] of Object.entries(forms)) {
      const packed = await ask(accepted);
      expect(packed).toMatchObject({ status: 200, coding, vary: 'accept-encoding', text: plain.text });
      expect(packed.etag).not.toBe(plain.etag);
      expect((await ask(accepted, packed.etag)).status).toBe(304);
      expect((await ask(accepted, plain.etag)).status).toBe(200);
    }
  });
});

describe('models', () => {
  it('are listed and described, and found by name or id', async () => {
    const [model] = await client.models();
    expect(model).toMatchObject({
      name: 'tiny',
      id: serving.model.id,
      shape: [28, 28],
      axes: [{ name: 'y' }, { name: 'x' }],
      outputs: [{ name: 'grey', offset: 0.5, scale: 1, low: 0, peak: 1, sample: 'uint8' }],
      priors: [
        { name: 'factorized', can: ['code', 'sample', 'complete', 'score'] },
        { name: 'histogram', can: ['code', 'sample', 'score'] },
      ],
      classifier: null,
    });
    const byId = await client.model(serving.model.id.slice(0, 12));
    expect(byId).toEqual(await client.model('tiny'));
    expect(byId.training.dataset).toBe('fixture-fashion');
  });

  it('are not sent again to who holds them', async () => {
    const first = await fetch(`${server.url}/v1/models/tiny`);
    const etag = first.headers.get('etag')!;
    const again = await fetch(`${server.url}/v1/models/tiny`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });
});

describe('encode and decode', () => {
  it('reaches a PSNR or stays within bytes, and says with which quality', async () => {
    const { bytes, psnrDb } = await client.encode('tiny', picture, { quality: 60, type: 'image/png' });
    const kept = await client.encode('tiny', picture, { bytes: bytes.length, type: 'image/png' });
    expect(kept.bytes.length).toBeLessThanOrEqual(bytes.length);
    const path = `/v1/models/tiny/encode?psnr=${psnrDb - 0.1}`;
    const reached = await post(path, picture, { 'content-type': 'image/png' });
    expect(Number(reached.headers.get('functa-psnr-db'))).toBeGreaterThanOrEqual(psnrDb - 0.1);
    expect(Number(reached.headers.get('functa-quality'))).toBeLessThan(100);
    const refused = await post('/v1/models/tiny/encode?bytes=2', picture, { 'content-type': 'image/png' });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ code: 'target-out-of-reach' });
  });

  it('gives the bytes that the library gives, and says what they cost', async () => {
    const response = await post('/v1/models/tiny/encode?quality=60', picture, {
      'content-type': 'image/png',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/vnd.functa');
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(Number(response.headers.get('functa-bytes'))).toBe(bytes.length);
    expect(Number(response.headers.get('functa-psnr-db'))).toBeGreaterThan(5);
    expect(Number(response.headers.get('functa-bits-per-point'))).toBeCloseTo((8 * bytes.length) / 784, 3);
    const { readImage } = await import('../../src/formats/image.ts');
    const session = openSession({ model: serving.model, engine: serving.engine });
    const own = await session.encode(await readImage(picture, { channels: 1 }), { quality: 60 });
    expect(bytes).toEqual(own.bytes);
    const decoded = await client.decode('tiny', bytes);
    const { data } = await sharp(decoded).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    const wanted = (await session.decode(own.bytes)).values;
    expect([...data]).toEqual([...wanted].map((v) => Math.round(v * 255)));
  });

  it('takes JPEG, WebP and npy, and bytes of no declared kind', async () => {
    const jpeg = await sharp(picture).jpeg().toBuffer();
    const webp = await sharp(picture).webp().toBuffer();
    const { writeNpy } = await import('../../src/formats/npy.ts');
    const npy = writeNpy({ dtype: 'F32', shape: [28, 28], data: new Float32Array(784).fill(0.25) });
    for (const [body, type] of [
      [jpeg, 'image/jpeg'],
      [webp, 'image/webp'],
      [npy, 'application/x-npy'],
      [npy, 'application/octet-stream'],
    ] as const) {
      const { bytes } = await client.encode('tiny', body, { type });
      expect(bytes.length).toBeGreaterThan(6);
    }
  });

  it('says where the bits of a file went, and what an archive holds', async () => {
    const { bytes } = await client.encode('tiny', picture, { type: 'image/png' });
    const { spent, ...found } = await client.inspect(bytes);
    expect(found).toMatchObject({
      kind: 'file',
      model: 'tiny',
      fileBytes: bytes.length,
      count: 1,
      shape: [28, 28],
    });
    expect(spent!.reduce((sum, { bits }) => sum + bits, 0)).toBeCloseTo(8 * bytes.length, 3);
    const drawn = await client.sample('tiny', { count: 3, seed: 1 }, { format: 'functa' });
    expect(await client.inspect(drawn)).toMatchObject({ kind: 'archive', count: 3, spent: null });
  });

  it('codes a picture by another codec within so many bytes, or as small as it goes', async () => {
    for (const [name, most] of [
      ['webp', 200],
      ['avif', 700],
      ['jpeg', 900],
    ] as const) {
      const { bytes, type, psnrDb, quality } = await client.peer(name, picture, { bytes: most });
      expect(bytes.length).toBeLessThanOrEqual(most);
      expect([type, quality > 1]).toEqual([`image/${name}`, true]);
      const less = await client.peer(name, picture, { bytes: bytes.length - 1, type: 'image/png' });
      expect(less.psnrDb).toBeLessThan(psnrDb);
      expect((await sharp(bytes).metadata()).width).toBe(28);
    }
    const smallest = await client.peer('avif', picture, { bytes: 1 });
    expect(smallest.bytes.length).toBeGreaterThan(100);
    await expect(client.peer('avif', new Uint8Array(40), { bytes: 1 })).rejects.toMatchObject({
      problem: { status: 422, detail: expect.stringContaining('none of PNG') },
    });
    const long = await sharp({ create: { width: 17000, height: 2, channels: 3, background: '#777' } })
      .png()
      .toBuffer();
    await expect(client.peer('webp', long, { bytes: 900 })).rejects.toMatchObject({
      problem: { status: 422, detail: expect.stringContaining('smaller') },
    });
    const wide = await sharp({ create: { width: 513, height: 512, channels: 3, background: '#777' } })
      .png()
      .toBuffer();
    await expect(client.peer('avif', wide, { bytes: 1 })).rejects.toMatchObject({
      problem: { detail: expect.stringContaining('smaller') },
    });
  });

  it('decodes at any size, a region with the values of the whole, and float32 arrays', async () => {
    const { bytes } = await client.encode('tiny', picture, { type: 'image/png' });
    const large = await sharp(await client.decode('tiny', bytes, { size: '40x' })).metadata();
    expect([large.width, large.height]).toEqual([1120, 1120]);
    const whole = readNpy(await client.decode('tiny', bytes, { size: '4x', format: 'npy' }));
    expect(whole.shape).toEqual([112, 112]);
    const part = readNpy(
      await client.decode('tiny', bytes, { size: '4x', region: '8,16,3,2', format: 'npy' }),
    );
    expect(part.shape).toEqual([2, 3]);
    const named = { size: '4x', region: 'y=16:18,x=8:11', format: 'npy' } as const;
    expect(readNpy(await client.decode('tiny', bytes, named)).data).toEqual(part.data);
    expect(part.data[0]).toBeCloseTo(whole.data[16 * 112 + 8]!, 5);
    expect(part.data[5]).toBeCloseTo(whole.data[17 * 112 + 10]!, 5);
  });

  it('decodes a file by the model that it names, and one that brings a network of its own by that', async () => {
    const { bytes } = await client.encode('tiny', picture);
    expect(await client.decodeFile(bytes, { size: '2x' })).toEqual(
      await client.decode('tiny', bytes, { size: '2x' }),
    );
    const signal = {
      id: 'ramp',
      shape: [9, 14],
      channels: 3,
      values: new Float32Array(378).map((_, i) => i / 378),
    };
    const own = await fitCoin(signal, { engine: serving.engine, iterations: 40, bits: 8 });
    const decoded = await client.decodeFile(own.bytes, { region: '2,3,5,4' });
    expect(await sharp(decoded).metadata()).toMatchObject({ width: 5, height: 4, channels: 3 });
    expect(await client.decode('tiny', own.bytes, { region: '2,3,5,4' })).toEqual(decoded);
    const raw = readNpy(await client.decodeFile(own.bytes, { format: 'npy' }));
    expect(raw.shape).toEqual([9, 14, 3]);
    await expect(client.decodeFile(own.bytes, { item: 1 })).rejects.toMatchObject({
      problem: { status: 404, code: 'item' },
    });
    const damaged = own.bytes.slice();
    damaged[damaged.length - 1]! ^= 1;
    await expect(client.decodeFile(damaged)).rejects.toMatchObject({ problem: { status: 422 } });
    await expect(client.decodeFile(own.bytes, { size: '9000x' })).rejects.toMatchObject({
      problem: { status: 413 },
    });
    await expect(client.decodeFile(own.bytes.slice(0, 1))).rejects.toMatchObject({
      problem: { status: 422 },
    });
    const foreign = bytes.slice();
    foreign[2]! ^= 1;
    await expect(client.decodeFile(foreign)).rejects.toMatchObject({
      problem: { status: 404, code: 'model-not-here' },
    });
    // A network has no modulation that a model's classifier could look at.
    await expect(client.classify('tiny', own.bytes, { type: 'application/vnd.functa' })).rejects.toThrow(
      ProblemError,
    );
  });

  it('decodes one function of an archive', async () => {
    const archive = await client.sample('tiny', { count: 3, seed: 5 }, { format: 'functa' });
    const second = await client.decode('tiny', archive, { item: 1 });
    expect((await sharp(second).metadata()).width).toBe(28);
    await expect(client.decode('tiny', archive, { item: 3 })).rejects.toMatchObject({
      problem: { status: 404 },
    });
  });
});

describe('sample', () => {
  it('gives the same bytes for the same seed, as sheet, array and archive', async () => {
    for (const format of ['png', 'npy', 'functa'] as const) {
      const a = await client.sample('tiny', { count: 5, seed: 3 }, { format });
      expect(await client.sample('tiny', { count: 5, seed: 3 }, { format })).toEqual(a);
      expect(await client.sample('tiny', { count: 5, seed: 4 }, { format })).not.toEqual(a);
    }
    const sheet = await sharp(await client.sample('tiny', { count: 5 })).metadata();
    expect([sheet.width, sheet.height]).toEqual([3 * 30 + 2, 2 * 30 + 2]);
    expect(readNpy(await client.sample('tiny', { count: 5, size: '2x' }, { format: 'npy' })).shape).toEqual([
      5, 56, 56,
    ]);
  });
});

describe('functasets', () => {
  it('are listed and described', async () => {
    expect(await client.functasets()).toMatchObject([
      { name: 'shoes', functions: 8, model: 'tiny', shape: [28, 28] },
    ]);
    const detail = await client.functaset('shoes');
    expect(detail.labels.reduce((sum, { functions }) => sum + functions, 0)).toBe(8);
    expect(detail.meanPsnrDb).toBeGreaterThan(5);
  });

  it('give their functions a page at a time, all of them and once', async () => {
    const ids: string[] = [];
    for await (const { id } of client.functions('shoes', { limit: 3 })) ids.push(id);
    expect(ids.length).toBe(8);
    expect(new Set(ids).size).toBe(8);
    const { labels } = await client.functaset('shoes');
    const labelled: string[] = [];
    for await (const { id } of client.functions('shoes', { label: String(labels[0]!.label) }))
      labelled.push(id);
    expect(labelled.length).toBe(labels[0]!.functions);
  });

  it('give each function as a picture, an array, a file and JSON', async () => {
    const found: string[] = [];
    for await (const { id } of client.functions('shoes')) found.push(id);
    const id = found[0]!;
    expect(id).toContain('/');
    const file = await client.function('shoes', id, { format: 'functa' });
    const decoded = await client.decode('tiny', file);
    expect(await client.function('shoes', id)).toEqual(decoded);
    expect(readNpy(await client.function('shoes', id, { format: 'npy', size: '56x56' })).shape).toEqual([
      56, 56,
    ]);
    const url = `${server.url}/v1/functasets/shoes/functions/${encodeURIComponent(id)}`;
    const json = await fetch(url, { headers: { accept: 'application/json' } });
    expect(await json.json()).toMatchObject({ id, codedBytes: file.length });
    const etag = (await fetch(url)).headers.get('etag')!;
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await fetch(`${url}?size=2x`, { headers: { 'if-none-match': etag } })).status).toBe(200);
  });
});

describe('client', () => {
  it('throws the problem that the server answers with', async () => {
    const failure = client.model('none');
    await expect(failure).rejects.toBeInstanceOf(ProblemError);
    await expect(failure).rejects.toMatchObject({ problem: { code: 'unknown-model', status: 404 } });
  });
});

describe('access log', () => {
  it("has one record for each request, with the client's own id", async () => {
    await fetch(`${server.url}/livez`, { headers: { 'x-request-id': 'mine-1' } });
    await expect
      .poll(() => serving.records.filter(({ id }) => id === 'mine-1'))
      .toMatchObject([{ method: 'GET', path: '/livez', status: 200 }]);
  });
});
