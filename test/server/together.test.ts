import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { openSession } from '../../src/session/index.ts';
import { prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;
beforeAll(async () => {
  serving = await prepare();
  // One thread: who comes while it works waits, and goes together.
  server = await serving.start({ running: 1, traffic: { answerBytes: 0 } });
}, 60_000);
afterAll(() => serving.stop());

/** A grey picture, each of its own. */
function raw(seed: number, side = 28): Buffer {
  return Buffer.from(
    Array.from({ length: side * side }, (_, i) => Math.round(128 + 100 * Math.sin((i * (seed + 1)) / 90))),
  );
}

function png(pixels: Buffer, side = 28): Promise<Buffer> {
  return sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

async function encode(
  body: Uint8Array,
  { query = '', signal }: { query?: string; signal?: AbortSignal } = {},
) {
  const response = await fetch(`${server.url}/v1/models/tiny/encode${query}`, {
    ...{ method: 'POST', headers: { 'content-type': 'image/png' }, body: body as Uint8Array<ArrayBuffer> },
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    status: response.status,
    bytes: Buffer.from(await response.arrayBuffer()),
    headers: response.headers,
  };
}

describe('encodes that wait together', () => {
  it('have the bytes that each has alone, whatever is wrong with others, and whoever leaves', async () => {
    const pictures = Array.from({ length: 40 }, (_, seed) => raw(seed));
    const bodies = await Promise.all(pictures.map((pixels) => png(pixels)));
    const broken = Buffer.concat([bodies[0]!.subarray(0, 60), Buffer.alloc(20)]);
    const leaving = new AbortController();
    const left = encode(bodies[1]!, { signal: leaving.signal }).catch(() => 'left');
    const [found, other, bad] = await Promise.all([
      Promise.all(bodies.map((body) => encode(body))),
      encode(bodies[2]!, { query: '?quality=70' }),
      encode(broken),
      setTimeout(() => leaving.abort(), 5),
    ]);
    expect(await left).toBe('left');
    expect(bad!.status).toBe(422);
    const session = openSession({ model: serving.model, engine: serving.engine });
    const alone = (pixels: Buffer, quality: number) =>
      session.encode(
        {
          id: '',
          shape: [28, 28],
          channels: 1,
          values: Float32Array.from(pixels, (v) => Math.fround(v / 255)),
        },
        { quality },
      );
    for (const [i, pixels] of pictures.entries()) {
      const { bytes, psnrDb } = await alone(pixels, 50);
      expect(found[i]!.status).toBe(200);
      expect(found[i]!.bytes).toEqual(Buffer.from(bytes));
      expect(Number(found[i]!.headers.get('functa-psnr-db'))).toBeCloseTo(psnrDb, 3);
    }
    expect(other!.bytes).toEqual(Buffer.from((await alone(pictures[2]!, 70)).bytes));
  });
});

describe('decodes that wait together', () => {
  it('have the bytes that each has alone, whatever is wrong with others, also where they are long', async () => {
    const session = openSession({ model: serving.model, engine: serving.engine });
    const signal = (seed: number) => ({
      ...{ id: '', shape: [28, 28], channels: 1 },
      values: Float32Array.from(raw(seed), (v) => Math.fround(v / 255)),
    });
    const files = await Promise.all(
      Array.from({ length: 12 }, async (_, seed) => (await session.encode(signal(seed))).bytes),
    );
    const decode = async (body: Uint8Array, query = '', accept = 'image/png') => {
      const response = await fetch(`${server.url}/v1/models/tiny/decode${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.functa', accept },
        body: body as Uint8Array<ArrayBuffer>,
      });
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
    };
    const broken = files[3]!.slice();
    broken[broken.length - 3]! ^= 4;
    const ask = () => [
      ...files.map((file) => decode(file)),
      ...files.map((file) => decode(file, '?size=64x64', 'application/x-npy')),
      decode(broken),
    ];
    const together = await Promise.all(ask());
    expect(together.at(-1)!.status).toBe(422);
    const sums = new Set<string>();
    for (const [i, { status, bytes }] of together.slice(0, -1).entries()) {
      const file = files[i % files.length]!;
      const [query, accept] = i < files.length ? ['', 'image/png'] : ['?size=64x64', 'application/x-npy'];
      expect(status).toBe(200);
      if (i % 4 === 0) expect(bytes).toEqual((await decode(file, query, accept)).bytes);
      sums.add(bytes.toString('latin1'));
    }
    expect(sums.size).toBe(2 * files.length);
  });
});
