import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultLimits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { readModel } from '../../src/field/model.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../../src/query/index.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';

/** More, for a longer look: FUNCTA_INDEX_KILLS=200 says how many of them met a file half-written, too. */
const times = Number(process.env.FUNCTA_INDEX_KILLS ?? rounds(8, 20));
const source = fileURLToPath(new URL('index-child.ts', import.meta.url));
/** Beside the packages it imports, and compiled once. */
const child = fileURLToPath(
  new URL(`../../node_modules/.cache/functa/index-${process.pid}.mjs`, import.meta.url),
);

beforeAll(() => {
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [source], outfile: child, logLevel: 'error' });
});
afterAll(() => rmSync(child, { force: true }));

/** Kills an indexer a little after it has begun for the `turn`-th time: in the time that an index took it before. */
async function killWhileIndexing(args: readonly string[], turn: number, share: number): Promise<void> {
  const running = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise((resolve) => running.once('close', resolve));
  let text = '';
  let begun = 0;
  let since = 0;
  let took = 0;
  for await (const chunk of running.stdout) {
    text += chunk;
    const now = performance.now();
    if (text.endsWith('there\n')) took = now - since;
    if (text.endsWith('begun\n')) since = now;
    const turns = text.split('begun').length - 1;
    if (turns > begun && turns >= turn + 1) setTimeout(() => running.kill('SIGKILL'), share * took);
    begun = turns;
  }
  await closed;
  expect(running.signalCode).toBe('SIGKILL');
}

test('kills of an indexer: no function is lost, and every answer is that of the store as it is', async () => {
  const directory = temporary();
  const modelPath = join(directory, 'tiny.safetensors');
  const engine = await openEngine();
  writeFileSync(modelPath, await makeTinyModel(engine));
  const model = readModel(new Uint8Array(readFileSync(modelPath)));
  const path = join(directory, 'set');
  await buildFunctaset({ data: 'fixture-fashion', split: 'train', path, model, engine });
  const ask = async (method: 'exact' | 'hnsw', id: string) => {
    const store = await openFunctaset(path, { readOnly: true });
    const indexes = new NearIndexes({ store, model, engine });
    const readSignal = () => Promise.reject(new Error('no file is read here'));
    const context = { store, model, engine, indexes, limits: defaultLimits, readSignal };
    const query = parseQuery({ kind: 'near', id, k: 5, method });
    const { items } = await collectAnswer(await runQuery(context, query));
    const { faults, functions } = await store.verify();
    await store.close();
    expect(faults).toEqual([]);
    return { items: items as { id: string; distance: number }[], functions };
  };
  const reader = await openFunctaset(path, { readOnly: true });
  const first = [...reader.iterate({ limit: 1 })][0]!;
  await reader.close();
  const random = new Rng(1);
  let functions = 48;
  let left = 0;
  for (let round = 0; round < times; round++) {
    await killWhileIndexing([modelPath, path], 2 + random.below(2), random.uniform());
    left += readdirSync(path).filter((name) => name.endsWith('.tmp')).length;
    if (round % 4 === 3) {
      // Whatever index there is, it is not of this store any more.
      const writer = await openFunctaset(path, {});
      await writer.put({ ...first, id: `copy-${round}` });
      await writer.close();
      functions++;
    }
    const exact = await ask('exact', first.id);
    expect(exact.functions).toBe(functions);
    expect(exact.items.slice(0, functions - 48).every(({ distance }) => distance < 1e-6)).toBe(true);
    expect(exact.items.filter(({ id }) => id.startsWith('copy-'))).toHaveLength(Math.min(5, functions - 48));
    expect((await ask('hnsw', first.id)).items).toEqual(exact.items);
    expect(readdirSync(path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }
  await engine.close();
  if (process.env.FUNCTA_INDEX_KILLS !== undefined)
    console.log(`${left} of ${times} kills met a file half-written`);
}, 240_000);
