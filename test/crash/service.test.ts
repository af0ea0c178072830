/** The service is killed in the middle of writes: what it acknowledged is there, whole, and nothing is half made. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { FunctaClient } from '../../server/client/client.ts';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';
import { compiled } from '../compiled.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';

let model: Uint8Array;

beforeAll(async () => {
  compiled();
  const engine = await openEngine();
  model = await makeTinyModel(engine);
  await engine.close();
}, 300_000);

const times = Number(process.env.FUNCTA_KILLS ?? rounds(3, 200));
const seed = Number(process.env.FUNCTA_KILLS_SEED ?? 1);

async function start(home: string, models: string): Promise<{ child: ChildProcess; client: FunctaClient }> {
  const server = pathToFileURL(join(compiled(), 'server/index.js')).href;
  const program = `
    import(${JSON.stringify(server)}).then(async ({ startServer }) => {
      const [home, modelsDir] = process.argv.slice(1);
      const { url } = await startServer({ port: 0, home, modelsDir, functasets: [], running: 1 });
      process.stdout.write(url + '\\n');
    });`;
  const child = spawn(process.execPath, ['-e', program, home, models], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await once(child.stdout!, 'data');
  return { child, client: new FunctaClient(String(text).trim()) };
}

test(`${times} kills under write load: nothing acknowledged is lost, nothing is torn or half made`, async () => {
  const [home, models] = [join(temporary(), 'home'), temporary()];
  mkdirSync(home);
  writeFileSync(join(models, 'tiny.safetensors'), model);
  const random = new Rng(seed);
  /** What was acknowledged: the label that each function has, of those that are there. */
  const there = new Map<string, number>();
  const gone = new Set<string>();
  let file: Uint8Array | undefined;
  let acknowledged = 0;
  for (let round = 0; round < times; round++) {
    const { child, client } = await start(home, models);
    const made = await client.createFunctaset('kept', { model: 'tiny' });
    expect(made.functions).toBeGreaterThanOrEqual(there.size);
    file ??= (await client.sample('tiny', { count: 1 }, { format: 'functa' })) as Uint8Array;
    const bytes = file;
    let over = false;
    const write = async (writer: number) => {
      for (let i = 0; !over; i++) {
        const id = `${round}-${writer}-${i}`;
        await client.addFunction('kept', bytes, { id, label: i });
        there.set(id, i);
        acknowledged++;
        if (i % 3 === 1) {
          // Unknown until it is acknowledged: either state is right.
          there.delete(id);
          await client.changeFunction('kept', id, { label: -1 });
          there.set(id, -1);
        }
        if (i % 5 === 4) {
          there.delete(id);
          await client.deleteFunction('kept', id);
          gone.add(id);
        }
        if (i % 8 === 7) {
          await client.createFunctaset(`passing-${writer}`, { model: 'tiny' });
          await client.deleteFunctaset(`passing-${writer}`);
        }
      }
    };
    const writers = [0, 1, 2].map((writer) => write(writer).catch(() => undefined));
    // In the middle of whatever comes after so many were acknowledged.
    const until = acknowledged + 1 + random.below(60);
    while (acknowledged < until) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, random.below(8)));
    child.kill('SIGKILL');
    await once(child, 'exit');
    over = true;
    await Promise.all(writers);

    const store = await openFunctaset(join(home, 'functasets/default/kept'), { readOnly: true });
    expect((await store.verify()).faults).toEqual([]);
    for (const [id, label] of there) expect([id, store.get(id)?.label]).toEqual([id, label]);
    for (const id of gone) expect(store.has(id)).toBe(false);
    await store.close();
    // What has a name is whole.
    for (const name of readdirSync(join(home, 'functasets/default'))) {
      if (name.startsWith('.')) continue;
      const set = await openFunctaset(join(home, 'functasets/default', name), { readOnly: true });
      expect((await set.verify()).ok).toBe(true);
      await set.close();
    }
  }
  console.log(`${times} kills, ${acknowledged} functions acknowledged, 0 lost, 0 torn`);
  expect(acknowledged).toBeGreaterThan(times);
  const { child, client } = await start(home, models);
  expect((await client.functaset('kept')).functions).toBeGreaterThanOrEqual(there.size);
  expect(readdirSync(join(home, 'functasets/default')).filter((name) => name.startsWith('.'))).toEqual([]);
  child.kill('SIGTERM');
  child.kill('SIGKILL');
  await once(child, 'exit');
}, 1_200_000);
