import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { distilPrior } from '../../src/jobs/index.ts';
import { bundledModels, loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { monitorBusy } from './busy.ts';
import { checkTurns, startWatched } from './serving.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-sampling-'));
const monitor = monitorBusy();
let engine: Engine;
let server: RunningServer;

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  const modelsDir = join(directory, 'fashion-mnist-samples');
  for (const file of ['model.safetensors', 'diffusion.safetensors']) {
    cpSync(join(bundledModels(), 'fashion-mnist-samples', file), join(modelsDir, file));
  }
  await distilPrior({ modelPath: join(modelsDir, 'model.safetensors'), to: [2], paths: 16, steps: 1 });
  server = await startWatched(monitor, { port: 0, modelsDir, engine });
}, 120_000);

afterAll(async () => {
  await server.close();
  await engine.close();
  rmSync(directory, { recursive: true });
  checkTurns(monitor);
});

const asked = { count: 1, seed: 3, prior: 'diffusion', label: 8 } as const;

async function sampled(more: object): Promise<Buffer> {
  const response = await responseTo(more);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

function responseTo(more: object): Promise<Response> {
  return fetch(`${server.url}/v1/models/fashion-mnist-samples/sample`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/vnd.functa' },
    body: JSON.stringify({ ...asked, ...more }),
  });
}

it('a sample over HTTP and by the library takes what the card of the diffusion says', async () => {
  const session = openSession({ model: await loadModel('fashion-mnist-samples'), engine });
  const chosen = { guidance: 2, steps: 8 };
  const byCard = await session.sample({ ...asked, decode: false });
  expect(byCard.archive).toEqual((await session.sample({ ...asked, ...chosen, decode: false })).archive);
  expect(await sampled({})).toEqual(await sampled(chosen));
  expect(await sampled({})).not.toEqual(await sampled({ guidance: 1 }));
});

it('an answer says where a distilled network drew, and what it did not learn is refused', async () => {
  const few = await responseTo({ steps: 2 });
  expect([few.status, few.headers.get('functa-distilled')]).toEqual([200, '2; guidance=2']);
  expect((await responseTo({ steps: 4 })).headers.get('functa-distilled')).toBeNull();
  const other = await responseTo({ steps: 2, guidance: 1 });
  expect([other.status, await other.json()]).toEqual([
    422,
    expect.objectContaining({ code: 'distilled', detail: expect.stringMatching(/take more steps/) }),
  ]);
});
