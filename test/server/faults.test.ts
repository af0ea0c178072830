import { createConnection } from 'node:net';
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Problem, RunningServer } from '../../server/index.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { readModel, writeModel } from '../../src/field/model.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { openSession } from '../../src/session/index.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
let picture: Uint8Array;
let file: Uint8Array;

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start({ maxBodyBytes: 200_000 });
  picture = await png();
  const drawn = await openSession({ model: serving.model, engine: serving.engine }).encode({
    id: 'ramp',
    shape: [28, 28],
    channels: 1,
    values: Float32Array.from({ length: 784 }, (_, i) => i / 784),
  });
  file = drawn.bytes;
}, 120_000);

afterAll(() => serving.stop());

const encodePath = '/v1/models/tiny/encode';
const decodePath = '/v1/models/tiny/decode';
const samplePath = '/v1/models/tiny/sample';
const functa = { 'content-type': 'application/vnd.functa' };
const pngHeader = { 'content-type': 'image/png' };
const json = { 'content-type': 'application/json' };

async function send(
  path: string,
  body?: Uint8Array | string,
  headers: Record<string, string> = {},
  method?: string,
) {
  const init = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers };
  return fetch(`${server.url}${path}`, body === undefined ? init : { ...init, body: body as string });
}

/** Every problem is whole, says what to do in one line, and leaves the server serving. */
async function expectProblem(response: Response, status: number, code: string): Promise<Problem> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, expect.stringContaining(`"code":"${code}"`)]);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({ type: 'about:blank', status, code });
  expect(problem.detail).not.toContain('\n');
  expect(problem.requestId).toBe(response.headers.get('x-request-id'));
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  return problem;
}

describe('requests that are wrong as HTTP', () => {
  it.each([
    ['a path that is not there', '/v2/models', undefined, {}, undefined, 404, 'no-such-path'],
    ['a model that is not there', '/v1/models/none', undefined, {}, undefined, 404, 'unknown-model'],
    [
      'a functaset that is not there',
      '/v1/functasets/none',
      undefined,
      {},
      undefined,
      404,
      'unknown-functaset',
    ],
    [
      'a function that is not there',
      '/v1/functasets/shoes/functions/x',
      undefined,
      {},
      undefined,
      404,
      'unknown-function',
    ],
    ['another method', encodePath, undefined, {}, 'GET', 405, 'method-not-allowed'],
    [
      'a type that cannot be given',
      decodePath,
      'x',
      { ...functa, accept: 'text/csv' },
      'POST',
      406,
      'not-acceptable',
    ],
    ['a body of no type', encodePath, new Uint8Array(9), {}, 'POST', 415, 'unsupported-media-type'],
    [
      'a body of another type',
      encodePath,
      'x',
      { 'content-type': 'text/plain' },
      'POST',
      415,
      'unsupported-media-type',
    ],
    ['a picture to the decoder', decodePath, 'x', pngHeader, 'POST', 415, 'unsupported-media-type'],
    ['a body that is not what it says', encodePath, 'GIF89a', pngHeader, 'POST', 415, 'media-type-mismatch'],
    ['JSON as bytes', samplePath, '{}', functa, 'POST', 415, 'unsupported-media-type'],
    ['no JSON', samplePath, '{"count":', json, 'POST', 400, 'malformed-json'],
    ['an empty body', encodePath, '', pngHeader, 'POST', 400, 'empty-body'],
    [
      'a quality that is no number',
      `${encodePath}?quality=best`,
      'x',
      pngHeader,
      'POST',
      422,
      'bad-parameter',
    ],
    ['a quality out of range', `${encodePath}?quality=101`, 'x', pngHeader, 'POST', 422, 'bad-parameter'],
    ['two targets', `${encodePath}?psnr=30&bytes=400`, 'x', pngHeader, 'POST', 422, 'bad-parameter'],
    ['a PSNR below zero', `${encodePath}?psnr=-3`, 'x', pngHeader, 'POST', 422, 'bad-parameter'],
    ['an effort out of range', `${encodePath}?effort=0`, 'x', pngHeader, 'POST', 422, 'bad-parameter'],
    ['a count out of range', samplePath, '{"count":0}', json, 'POST', 422, 'bad-parameter'],
    ['an unknown member', samplePath, '{"cuont":3}', json, 'POST', 422, 'bad-parameter'],
    [
      'a cursor of elsewhere',
      '/v1/functasets/shoes/functions?cursor=%21',
      undefined,
      {},
      'GET',
      422,
      'bad-cursor',
    ],
  ] as const)('%s', async (_, path, body, headers, method, status, code) => {
    await expectProblem(await send(path, body, headers, method), status, code);
  });

  it('refuses a sample that is too much work before it works', async () => {
    await expectProblem(await send(samplePath, '{"count":256,"size":"100x"}', json), 413, 'limit-samples');
  });

  it('says what a path takes instead', async () => {
    const response = await send(encodePath);
    expect(response.headers.get('allow')).toBe('POST');
  });
});

describe('bodies that are too large or too short', () => {
  it('refuses a declared length over the limit, and an undeclared one once it is passed', async () => {
    const large = new Uint8Array(300_000);
    const problem = await expectProblem(await send(encodePath, large, pngHeader), 413, 'limit-body-bytes');
    expect(problem).toMatchObject({ limit: 'body-bytes', asked: 300_000, allowed: 200_000 });
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(50_000)),
    });
    const init = { method: 'POST', body: endless, headers: pngHeader, duplex: 'half' } as RequestInit;
    const answer = await fetch(`${server.url}${encodePath}`, init).catch((error: Error) => error);
    // the server may close the connection before the client has stopped sending
    if (answer instanceof Response) await expectProblem(answer, 413, 'limit-body-bytes');
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });

  it('outlives a body that is cut off half way, however it is cut', async () => {
    for (const how of ['end', 'destroy'] as const) {
      const head = `POST ${encodePath} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n`;
      const answer = await raw(`${head}only this much`, how);
      if (how === 'end' && answer !== '') expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    }
  });

  it('answers what is not HTTP with a problem', async () => {
    const answer = await raw('NONSENSE\r\n\r\n', 'end');
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"malformed-request"');
    const headers = await raw(
      `GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nlong: ${'x'.repeat(40_000)}\r\n\r\n`,
      'end',
    );
    expect(headers).toContain('"code":"headers-too-large"');
  });
});

describe('signals that cannot be coded', () => {
  it('refuses a PNG of 30,000 x 30,000 before it is decoded', async () => {
    const problem = await expectProblem(
      await send(encodePath, await hugePng(), pngHeader),
      413,
      'limit-samples',
    );
    expect(problem.asked).toBe(9e8);
  });

  it.each([
    ['a cut PNG', () => picture.subarray(0, 100), 'image/png', 422, 'bad-image'],
    [
      'an array with an infinite value',
      () => npy([28, 28], Number.POSITIVE_INFINITY),
      'application/x-npy',
      422,
      'infinite-value',
    ],
    [
      'an array of missing values',
      () => npy([28, 28], Number.NaN),
      'application/x-npy',
      422,
      'no-observed-points',
    ],
    ['an empty array', () => npy([0, 28], 0), 'application/x-npy', 422, 'empty-signal'],
    ['an array of other channels', () => npy([4, 4, 3], 0), 'application/x-npy', 422, 'signal-channels'],
    ['an array of other axes', () => npy([4], 0), 'application/x-npy', 422, 'signal-shape'],
    ['a cut array', () => npy([28, 28], 0).subarray(0, 500), 'application/x-npy', 422, 'truncated'],
  ] as const)('%s', async (_, body, type, status, code) => {
    await expectProblem(await send(encodePath, body(), { 'content-type': type }), status, code);
  });

  it('codes a picture of one pixel', async () => {
    const response = await send(encodePath, await png(1, 1), pngHeader);
    expect(response.status).toBe(200);
  });
});

describe('files that cannot be decoded', () => {
  it('refuses noise, cuts and flipped bits', async () => {
    await expectProblem(await send(decodePath, 'noise', functa), 422, 'magic');
    for (let i = 0; i < file.length; i += 7) {
      const cut = await send(decodePath, i === 0 ? file.subarray(0, 3) : file.subarray(0, i), functa);
      expect([409, 422]).toContain(cut.status);
      const flipped = file.slice();
      flipped[i]! ^= 4;
      const response = await send(decodePath, flipped, functa);
      expect([404, 409, 413, 422]).toContain(response.status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  it('names both models when a file is of another', async () => {
    const { model, engine } = serving;
    const other = readModel(writeModel({ ...model, card: { ...model.card, notes: 'other' } }));
    const { bytes } = await openSession({ model: other, engine }).encode({
      id: 'x',
      shape: [28, 28],
      channels: 1,
      values: new Float32Array(784),
    });
    const problem = await expectProblem(await send(decodePath, bytes, functa), 409, 'other-model');
    expect(problem.detail).toContain(other.id.slice(0, 6));
    expect(problem.detail).toContain(model.id.slice(0, 6));
  });

  it('refuses a 60-byte file that asks for 2^40 samples', async () => {
    const digest = Buffer.from(serving.model.id.slice(0, 6), 'hex');
    const header = new ByteWriter()
      .u8(0xfa)
      .u8(file[1]! | 2)
      .bytes(digest)
      .u8(50);
    const bytes = new Uint8Array(60);
    bytes.set(
      header
        .varint(2 ** 20)
        .varint(2 ** 20)
        .finish(),
    );
    const problem = await expectProblem(await send(decodePath, bytes, functa), 413, 'limit-samples');
    expect(problem.asked).toBe(2 ** 40);
  });

  it.each([
    ['size=0x', 422, 'bad-size'],
    ['size=large', 422, 'bad-size'],
    ['size=99999x', 413, 'limit-samples'],
    ['region=0,0,29,1', 422, 'bad-region'],
    ['region=0,0,0,0', 422, 'bad-region'],
  ] as const)('refuses %s', async (query, status, code) => {
    await expectProblem(await send(`${decodePath}?${query}`, file, functa), status, code);
  });
});

/** An answer to raw bytes on a socket that is then ended or destroyed; empty when there was none. */
function raw(bytes: string, how: 'end' | 'destroy'): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = createConnection(server.port, '127.0.0.1');
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    if (how === 'end') socket.end(bytes);
    else socket.write(bytes, () => socket.destroy());
  });
}

/** A whole PNG of 30,000 x 30,000 black pixels of one bit: a hundred kilobytes. */
async function hugePng(): Promise<Uint8Array> {
  const side = 30_000;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const pixels = await promisify(deflate)(Buffer.alloc(side * (1 + Math.ceil(side / 8))), { level: 9 });
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    out.set(body, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function npy(shape: number[], value: number): Uint8Array {
  const points = shape.reduce((product, n) => product * n, 1);
  return writeNpy({ dtype: 'F32', shape, data: new Float32Array(points).fill(value) });
}
