import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { startServer } from '../../server/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { bundledModels, loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';

let engine: Engine;
let server: RunningServer;

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  server = await startServer({
    port: 0,
    modelsDir: join(bundledModels(), 'fashion-mnist-samples'),
    engine,
  });
}, 120_000);

afterAll(async () => {
  await server.close();
  await engine.close();
});

const asked = { count: 1, seed: 3, prior: 'diffusion', label: 8 } as const;

async function sampled(more: object): Promise<Buffer> {
  const response = await fetch(`${server.url}/v1/models/fashion-mnist-samples/sample`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/vnd.functa' },
    body: JSON.stringify({ ...asked, ...more }),
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

it('a sample over HTTP and by the library takes what the card of the diffusion says', async () => {
  const session = openSession({ model: await loadModel('fashion-mnist-samples'), engine });
  const chosen = { guidance: 2, steps: 8 };
  const byCard = await session.sample({ ...asked, decode: false });
  expect(byCard.archive).toEqual((await session.sample({ ...asked, ...chosen, decode: false })).archive);
  expect(await sampled({})).toEqual(await sampled(chosen));
  expect(await sampled({})).not.toEqual(await sampled({ guidance: 1 }));
});
