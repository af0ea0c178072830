import { afterEach, expect, test, vi } from 'vitest';
import { testFunction, testNetwork } from '../../../src/functaset/testing.ts';
import { openFunctionStore } from '../../../src/postgres/index.ts';
import { withPostgres } from '../../../test/postgres.ts';
import { temporary } from '../../../test/temporary.ts';
import { startWorker } from '../../worker.ts';

/** As if the package had not been installed; each is imported when it is first needed. */
const withoutPackage = (name: string) =>
  vi.doMock(name, () => {
    throw new Error(`Cannot find package '${name}'`);
  });
const absent = (name: string) => ({
  code: 'package-absent',
  message: expect.stringMatching(`^the package ${name} does not load here; npm install ${name}, or `),
});

afterEach(() => {
  for (const name of ['pg', 'pg-boss', 'pg-copy-streams']) vi.doUnmock(name);
});

withPostgres('packages that are not there', {}, (cluster) => {
  test('without pg-boss a worker says what to install, and leaves nothing open', async () => {
    withoutPackage('pg-boss');
    const store = await cluster().database();
    const home = temporary();
    await expect(startWorker({ store, home })).rejects.toMatchObject(absent('pg-boss'));
    // its home is free again, and it has no connection left
    await expect(startWorker({ store, home })).rejects.toMatchObject(absent('pg-boss'));
    await expect
      .poll(() => cluster().sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'functa'`))
      .toBe('0');
  });

  test('without pg-copy-streams few functions are put, and many say what to install', async () => {
    withoutPackage('pg-copy-streams');
    const store = await openFunctionStore(`${await cluster().database()}#set`, { network: testNetwork() });
    await store.put(testFunction(1));
    const many = Array.from({ length: 100 }, (_, i) => testFunction(10 + i));
    await expect(store.putMany(many)).rejects.toMatchObject(absent('pg-copy-streams'));
    expect(await store.count()).toBe(1);
    await store.close();
  });
});

test('without pg a worker says what to install', async () => {
  withoutPackage('pg');
  const store = 'postgres://somebody@127.0.0.1:1/x';
  await expect(startWorker({ store, home: temporary() })).rejects.toMatchObject(absent('pg'));
});
