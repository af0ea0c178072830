import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type SlowClients,
  type SlowKind,
  type SlowOptions,
  slowClients,
  slowKinds,
} from '../../bench/serve/slow.ts';
import type { RunningServer, ServerOptions } from '../../server/index.ts';
import { png, prepare, type Serving } from './serving.ts';

/** As many as there were places in all. */
const many = 34;

let serving: Serving;
let picture: Uint8Array;
let large: string;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  picture = await png();
  const server = await serving.start();
  const page = await (await fetch(`${server.url}/v1/functasets/shoes/functions?limit=1`)).json();
  const { id } = (page as { functions: { id: string }[] }).functions[0]!;
  large = `/v1/functasets/shoes/functions/${encodeURIComponent(id)}?size=1400x1400`;
  await server.close();
}, 120_000);

afterAll(() => serving.stop());

const encode = (url: string, body: Uint8Array = picture, type = 'image/png') =>
  fetch(`${url}/v1/models/tiny/encode`, {
    method: 'POST',
    body: body as unknown as string,
    headers: { 'content-type': type },
  });

const ready = async ({ url }: RunningServer) =>
  (await (await fetch(`${url}/readyz`)).json()) as {
    requests: number;
    connections: number;
    bytesInFlight: number;
  };

async function withClients(
  {
    kind,
    server,
    from,
    count = many,
  }: { kind: SlowKind; server: RunningServer; from?: string; count?: number },
  work: (clients: SlowClients) => Promise<void>,
): Promise<void> {
  const clients = slowClients({
    port: server.port,
    kind,
    count,
    everyMs: 200,
    upload: { path: '/v1/models/tiny/encode', type: 'image/png', body: picture },
    download: [[large], Array<string>(3).fill('/docs/scalar.js')].slice(0, count < many ? 1 : 2),
    ...(from ? { from } : {}),
  });
  try {
    await work(clients);
  } finally {
    clients.stop();
  }
}

const started = (options: ServerOptions = {}) => serving.start({ running: 2, waiting: 8, ...options });

describe(`${many} clients that are slow`, () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await started();
  });
  afterAll(() => server.close());

  it.each(slowKinds)('take no place from others: %s', async (kind) => {
    await withClients({ kind, server }, async (clients) => {
      await expect.poll(() => clients.connected, { timeout: 20_000 }).toBeGreaterThanOrEqual(many);
      await new Promise((resolve) => setTimeout(resolve, 300));
      // the first pieces of large answers are honest work
      if (kind === 'reading')
        await expect.poll(() => ready(server), { timeout: 60_000 }).toMatchObject({ requests: 0 });
      for (let i = 0; i < 6; i++) {
        // who leaves did ask for work, which may be waiting
        const statuses = kind === 'leaving' ? [200, 503] : [200];
        expect(statuses).toContain((await encode(server.url)).status);
      }
    });
    await expect.poll(async () => (await encode(server.url)).status, { timeout: 60_000 }).toBe(200);
    // the next ones find no connection of these
    await expect.poll(async () => (await ready(server)).connections, { timeout: 60_000 }).toBeLessThan(3);
  });
});

describe('slow clients at the deadline', () => {
  let server: RunningServer;
  beforeAll(async () => {
    const traffic = { headersMs: 800, requestMs: 30_000, windowMs: 800, leastBytesPerSecond: 20_000 };
    server = await started({ traffic });
  });
  afterAll(() => server.close());

  it.each(['header', 'idle', 'body', 'reading'] as const)('are cut off, all of them: %s', async (kind) => {
    await withClients({ kind, server, count: 8 }, async (clients) => {
      await expect.poll(() => clients.connected, { timeout: 20_000 }).toBe(8);
      // those that do not read do not hear that they were cut off either
      await expect.poll(async () => (await ready(server)).connections, { timeout: 60_000 }).toBeLessThan(5);
      const status = kind === 'reading' ? [] : ['HTTP/1.1 408'];
      expect([...clients.statuses.keys()].map((line) => line.slice(0, 12))).toEqual(status);
    });
    expect((await encode(server.url)).status).toBe(200);
    await expect.poll(async () => (await ready(server)).connections, { timeout: 60_000 }).toBeLessThan(3);
  });
});

describe('room', () => {
  it('is made for an upload by cutting those that stall, within the bytes that may be in memory', async () => {
    const noise = new Uint8Array(200_000);
    const traffic = { bytesInFlight: 400_000, clientShare: 1, windowMs: 2000 };
    const server = await started({ traffic });
    const stalled = stalledUploads(server.port, 3, noise);
    await new Promise((resolve) => setTimeout(resolve, 600));
    // not a picture: what matters is that it was read
    expect((await encode(server.url, noise)).status).toBe(415);
    await stalled.stop();
    await server.close();
  });

  it('is there for a small upload, though large ones that have only just stalled hold all of it', async () => {
    const noise = new Uint8Array(100_000);
    // nobody counts as silent
    const traffic = { bytesInFlight: 350_000, clientShare: 1, windowMs: 60_000 };
    const server = await started({ traffic });
    const stalled = stalledUploads(server.port, 2, noise);
    await expect.poll(async () => (await ready(server)).bytesInFlight).toBeGreaterThan(160_000);
    expect((await encode(server.url)).status).toBe(200);
    // and a large one is refused before it is sent
    const refused = slowClients({ ...stalledOptions(server.port, 1, noise), kind: 'idle' });
    await expect.poll(() => [...refused.statuses.keys()]).toEqual(['HTTP/1.1 503 Service Unavailable']);
    refused.stop();
    stalled.stop();
    await server.close();
  });

  it('is made for a connection by cutting the one that has been silent longest', async () => {
    const server = await started({ traffic: { connections: 8, clientShare: 1 } });
    await withClients({ kind: 'idle', server }, async (clients) => {
      await expect.poll(() => clients.open, { timeout: 20_000 }).toBeLessThanOrEqual(8);
      for (let i = 0; i < 4; i++) expect((await encode(server.url)).status).toBe(200);
    });
    await server.close();
  });

  it('of one client is bounded, so that it takes nothing from another', async () => {
    const server = await started({ traffic: { connections: 40, clientShare: 0.25 } });
    await withClients({ kind: 'idle', server, from: '127.0.0.2' }, async (clients) => {
      await expect.poll(() => clients.open, { timeout: 20_000 }).toBe(10);
      expect((await encode(server.url)).status).toBe(200);
      expect(clients.open).toBe(10);
    });
    await server.close();
  });
});

function stalledUploads(port: number, count: number, body: Uint8Array): SlowClients {
  return slowClients(stalledOptions(port, count, body));
}

function stalledOptions(port: number, count: number, body: Uint8Array): SlowOptions {
  const upload = { path: '/v1/models/tiny/encode', type: 'image/png', body };
  return { port, kind: 'stalled', count, everyMs: 1000, upload, download: [] };
}
