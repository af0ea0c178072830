import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { testNetwork } from '../../src/functaset/testing.ts';
import { openFunctionStore, type PostgresFunctaset, Replica } from '../../src/postgres/index.ts';
import { withPostgres } from '../postgres.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';

const writer = fileURLToPath(
  new URL(`../../node_modules/.cache/functa/postgres-writer-${process.pid}.mjs`, import.meta.url),
);

beforeAll(() => {
  const source = fileURLToPath(new URL('postgres-writer.ts', import.meta.url));
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [source], outfile: writer, logLevel: 'error' });
});

afterAll(() => rmSync(writer, { force: true }));

/** Notes what a writer acknowledges: what it said last of an id holds, and nothing where it asked last. What was cut off was not said. */
function hear(child: ChildProcess, told: Map<string, boolean>): { readonly count: number } {
  const heard = { count: 0 };
  let rest = '';
  child.stdout!.on('data', (chunk) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line[0] === '?') told.delete(line.slice(1));
      else told.set(line.slice(1), line[0] === '+');
    }
    heard.count += lines.length;
  });
  return heard;
}

const times = Number(process.env.FUNCTA_KILLS ?? rounds(3, 200));

withPostgres('kills under write load', { durable: true }, (cluster) => {
  test(`${times} kills of writers and of PostgreSQL: everything acknowledged is there, and the replica has the same`, async () => {
    const address = `${await cluster().database()}#set`;
    const set = (await openFunctionStore(address, { network: testNetwork() })) as PostgresFunctaset;
    const replica = await Replica.open(set, join(temporary(), 'replica'));
    const told = new Map<string, boolean>();
    const random = new Rng(7);
    // one that lives through the deaths of the database, and those that die
    const start = (name: string) =>
      spawn(process.execPath, [writer, address, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const survivor = start('survivor-');
    const heard = hear(survivor, told);
    for (let round = 0; round < times; round++) {
      const mortal = start(`round${round}-`);
      const own = hear(mortal, told);
      const [most, all] = [1 + random.below(200), heard.count];
      await expect.poll(() => own.count, { timeout: 30_000, interval: 5 }).toBeGreaterThan(most);
      if (round % 2 === 0) {
        cluster().stop('immediate');
        if (round % 4 === 0) mortal.kill('SIGKILL');
        await cluster().start();
      }
      mortal.kill('SIGKILL');
      if (mortal.exitCode === null && mortal.signalCode === null) await once(mortal, 'close');
      await replica.catchUp();
      // who waited for the database goes on
      await expect.poll(() => heard.count, { timeout: 30_000, interval: 5 }).toBeGreaterThan(all);
    }
    // One that gave the database up is over already, and would never close again.
    expect(survivor.exitCode).toBeNull();
    survivor.kill('SIGKILL');
    await once(survivor, 'close');
    await replica.catchUp();
    const there = new Set<string>();
    for await (const { id } of set.records()) there.add(id);
    const lost = [...told].filter(([id, isThere]) => there.has(id) !== isThere);
    expect(lost).toEqual([]);
    expect(told.size).toBeGreaterThan(100);
    expect(await set.verify()).toMatchObject({ ok: true, functions: there.size });
    expect([...replica.local.records()].map(({ id }) => id)).toEqual([...there]);
    expect((await replica.local.verify()).faults).toEqual([]);
    await replica.close();
    await set.close();
  }, 1_200_000);
});
