/** Shapes are asked for by files of meshes, of which one begins in any way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { FunctaClient } from '../../server/index.ts';
import { openEngine } from '../../src/engine/index.ts';
import { createFunctaset, loadModel, readSignal } from '../../src/index.ts';
import { compiled } from '../compiled.ts';
import { temporary } from '../temporary.ts';
import { monitorBusy } from './busy.ts';
import { checkTurns, startWatched } from './serving.ts';

vi.setConfig({ testTimeout: 120_000 });

const monitor = monitorBusy();
afterAll(() => checkTurns(monitor));

it('a mesh in OBJ or STL is nearest to its own function, by the service and by the library', async () => {
  process.env.FUNCTA_COMPILED = compiled();
  const engine = await openEngine('native', { threads: 1 });
  const model = await loadModel('shapes');
  const path = join(temporary(), 'parts');
  const meshes = ['bench.obj', 'part.stl'].map((name) => ({
    id: name,
    bytes: new Uint8Array(readFileSync(`test/fixtures/signals/${name}`)),
  }));
  const store = await createFunctaset(path, { model, engine });
  for (const { id, bytes } of meshes)
    await store.add({ ...(await readSignal(bytes, { for: model, told: id, grid: 24 })), id });
  const queryOf = (bytes: Uint8Array) =>
    ({ kind: 'near', signal: { file: Buffer.from(bytes).toString('base64'), grid: 24 }, k: 1 }) as const;
  for (const { id, bytes } of meshes) {
    const { items } = await store.query(queryOf(bytes));
    expect(items[0]).toMatchObject({ id });
  }
  await store.close();
  const server = await startWatched(monitor, {
    port: 0,
    modelsDir: 'models/shapes',
    functasets: [path],
    engine,
    log: () => {},
  });
  try {
    const client = new FunctaClient(server.url);
    for (const { id, bytes } of meshes)
      expect((await client.query('parts', queryOf(bytes))).items[0]).toMatchObject({ id });
    const other = client.query('parts', queryOf(new Uint8Array(40).fill(65)));
    await expect(other).rejects.toMatchObject({ problem: { status: 422 } });
  } finally {
    await server.close();
    await engine.close();
  }
});
