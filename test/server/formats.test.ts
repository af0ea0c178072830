/** What goes in and comes out over HTTP: the same formats and types of arrays as on the command line. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FunctaClient, type RunningServer } from '../../server/index.ts';
import { outputsOfKind } from '../../src/field/kinds.ts';
import {
  pictureFormats,
  signalFormats,
  writtenFormats,
  writtenFormatsFor,
} from '../../src/formats/formats.ts';
import { readImage, writeImage } from '../../src/formats/image.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { arrays } from '../arrays.ts';
import { png, prepare, type Serving } from './serving.ts';

/** What the model of these tests is written in. */
const ofPictures = writtenFormatsFor({ axes: 2, outputs: outputsOfKind('grey', { offset: 0, scale: 1 }) });

vi.setConfig({ testTimeout: 120_000 });

let serving: Serving;
let server: RunningServer;
let client: FunctaClient;
let picture: Uint8Array;

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start();
  client = new FunctaClient(server.url);
  picture = await png();
}, 120_000);
afterAll(() => serving.stop());

describe('arrays of every type', () => {
  it.each(arrays().map(({ name, bytes, refused }) => [name, bytes, refused] as const))(
    '%s is the picture that it is of, or refused with what to save',
    async (_name, bytes, refused) => {
      const sent = client.encode('tiny', bytes, { type: 'application/x-npy' });
      if (refused === undefined) {
        const { bytes: file, psnrDb } = await sent;
        expect(psnrDb).toBeGreaterThan(14);
        const decoded = readNpy(await client.decode('tiny', file, { format: 'npy' })).data;
        const missing = Array.from(readNpy(bytes).data, (v) => Number.isNaN(Number(v)));
        expect(Array.from(decoded, Number.isNaN)).toEqual(missing);
        const present = Array.from(decoded).filter((v) => !Number.isNaN(v));
        expect(present.reduce((sum, v) => sum + v, 0) / present.length).toBeGreaterThan(0.2);
      } else {
        await expect(sent).rejects.toMatchObject({
          problem: { status: 422, code: refused.code, detail: refused.message },
        });
      }
    },
  );
});

describe('formats', () => {
  it.each(pictureFormats.map(({ name, mediaType }) => [name, mediaType] as const))(
    '%s is taken as %s, and as bytes of no declared kind',
    async (name, type) => {
      const bytes = await writeImage(await readImage(picture), name);
      for (const declared of [type, 'application/octet-stream']) {
        const { bytes: file } = await client.encode('tiny', bytes, { type: declared });
        expect(file.length).toBeGreaterThan(6);
      }
      const query = await client.query('shoes', {
        kind: 'near',
        signal: { file: Buffer.from(bytes).toString('base64') },
        k: 2,
      });
      expect(query.items).toHaveLength(2);
    },
  );

  it.each(ofPictures.map(({ name, mediaType }) => [name, mediaType] as const))(
    '%s is had as %s from every route that gives signals',
    async (name, type) => {
      const { bytes: file } = await client.encode('tiny', picture);
      const { value } = await client.functions('shoes')[Symbol.asyncIterator]().next();
      const { id } = value as { id: string };
      const replies = await Promise.all([
        client.decode('tiny', file, { format: name }),
        client.sample('tiny', { count: 2 }, { format: name }),
        client.function('shoes', id, { format: name }),
        post('/v1/functasets/shoes/combine', { kind: 'mean', ids: [id] }, type),
      ]);
      for (const reply of replies) {
        expect(signalFormats.find(({ sniff }) => sniff(reply))?.name).toBe(name);
      }
      if (name !== 'npy') {
        const [read, whole] = await Promise.all([
          readImage(replies[0]!, { channels: 'grey' }),
          readImage(await client.decode('tiny', file), { channels: 'grey' }),
        ]);
        expect(read.values).toEqual(whole.values);
      }
    },
  );

  it('are the same in the OpenAPI document', async () => {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      // biome-ignore lint/suspicious/noExplicitAny: a document that other tests check.
      paths: any;
    };
    const { requestBody } = paths['/v1/models/{m}/encode'].post;
    expect(Object.keys(requestBody.content)).toEqual(signalFormats.map(({ mediaType }) => mediaType));
    for (const path of ['/v1/models/{m}/decode', '/v1/models/{m}/complete']) {
      expect(Object.keys(paths[path].post.responses[200].content)).toEqual(
        writtenFormats.map(({ mediaType }) => mediaType),
      );
    }
  });

  it('what is lost on reading is said in a header', async () => {
    const deep = await sharp(picture).toColourspace('rgb16').png().toBuffer();
    const { notes } = await client.encode('tiny', deep);
    expect(notes).toBe('its samples of 16 bits are read as 8');
    expect((await client.encode('tiny', picture)).notes).toBeUndefined();
    const near = await fetch(`${server.url}/v1/functasets/shoes/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'near', signal: { file: deep.toString('base64') }, k: 1 }),
    });
    expect(near.headers.get('functa-notes')).toBe('its samples of 16 bits are read as 8');
  });

  it('numbers in a query that are on another scale are refused', async () => {
    const values = Array.from({ length: 784 }, (_, i) => i % 256);
    const asked = client.query('shoes', { kind: 'near', signal: { shape: [28, 28], values }, k: 1 });
    await expect(asked).rejects.toMatchObject({ problem: { status: 422, code: 'signal-range' } });
    const bytes = writeNpy({ dtype: 'F32', shape: [28, 28], data: Float32Array.from(values) });
    const sent = client.encode('tiny', bytes, { type: 'application/x-npy' });
    await expect(sent).rejects.toMatchObject({ problem: { code: 'signal-range' } });
  });
});

async function post(path: string, body: unknown, accept: string): Promise<Uint8Array> {
  const headers = { 'content-type': 'application/json', accept };
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}
