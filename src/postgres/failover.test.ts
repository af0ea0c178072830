/** Failover as operators do it: a primary, and a hot standby without whose word nothing is acknowledged. Behind FUNCTA_TESTS=all. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Cluster, makeCluster, withPostgres } from '../../test/postgres.ts';
import { rounds } from '../../test/rounds.ts';
import { temporary } from '../../test/temporary.ts';
import { testFunction, testNetwork } from '../functaset/testing.ts';
import { openFunctionStore, type PostgresFunctaset, Replica } from './index.ts';

const times = rounds(0, 6);

/** A hot standby without which the primary acknowledges nothing. */
async function standbyOf(primary: Cluster): Promise<Cluster> {
  const standby = await makeCluster({ durable: true, standbyOf: primary });
  onTestFinished(() => standby.remove());
  primary.sql(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`);
  primary.sql('SELECT pg_reload_conf()');
  await expect
    .poll(() => primary.sql('SELECT sync_state FROM pg_stat_replication'), { timeout: 30_000 })
    .toBe('sync');
  return standby;
}

withPostgres('failover of PostgreSQL', { durable: true }, (cluster) => {
  const urlOf = (...hosts: readonly Cluster[]) =>
    `postgres://postgres@${hosts.map(({ directory }) => encodeURIComponent(directory)).join()}/postgres`;

  test.skipIf(times === 0)(
    `${times} deaths of the primary under writes: who has both hosts goes on with the standby that was promoted, and nothing acknowledged is lost`,
    async () => {
      let primary = cluster();
      await (await openFunctionStore(`${urlOf(primary)}#set`, { network: testNetwork() })).close();
      const told: string[] = [];
      for (let round = 0; round < times; round++) {
        const standby = await standbyOf(primary);
        // the one that takes writes is found wherever it stands
        const hosts = round % 2 === 0 ? [standby, primary] : [primary, standby];
        const set = (await openFunctionStore(`${urlOf(...hosts)}#set`)) as PostgresFunctaset;
        const replica = await Replica.open(set, join(temporary(), 'replica'));
        let over = false;
        const write = async (name: string) => {
          for (let i = 0; !over; i++) {
            const ids = Array.from({ length: 1 + (i % 3) * 40 }, (_, k) => `${name}-${round}-${i}-${k}`);
            await set.putMany(ids.map((id) => testFunction(i, { id })));
            told.push(...ids);
          }
        };
        const writing = Promise.all([write('a'), write('b')]);
        const more = async (count: number) => {
          const before = told.length;
          await expect
            .poll(() => told.length, { timeout: 30_000, interval: 5 })
            .toBeGreaterThan(before + count);
        };
        await more(100);
        await replica.catchUp();
        primary.stop('immediate');
        // questions and writes meet a standby meanwhile
        await setTimeout(200);
        standby.promote();
        await more(100);
        over = true;
        await writing;
        const there = new Set<string>();
        for await (const { id } of set.records()) there.add(id);
        expect(told.filter((id) => !there.has(id))).toEqual([]);
        expect(await set.verify()).toMatchObject({ ok: true, functions: there.size });
        await replica.catchUp();
        expect([...replica.local.records()].map(({ id }) => id)).toEqual([...there]);
        await replica.close();
        await set.close();
        primary = standby;
      }
    },
    600_000,
  );
});
