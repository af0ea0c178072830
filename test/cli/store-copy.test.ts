import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFunctaset } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';
import { openFunctionStore } from '../../src/postgres/index.ts';
import { withPostgres } from '../postgres.ts';
import { temporary } from '../temporary.ts';
import { functa, functaJson } from './in-process.ts';

const series = (n: number) => Array.from({ length: n }, (_, i) => testFunction(i));

withPostgres('functa store copy', {}, (cluster) => {
  test('a store goes into a database and back, goes on where it was interrupted, and is compared', async () => {
    const directory = temporary();
    const path = join(directory, 'garments');
    const local = await openFunctaset(path, { network: testNetwork() });
    await local.putMany(series(700));
    await local.close();
    const url = await cluster().database();
    const first = await functaJson(['store', 'copy', `lmdb:${path}`, url]);
    expect(first.json).toMatchObject({ to: `${url}#garments`, functions: 700, copied: 700, there: 0 });

    const shared = await openFunctionStore(`${url}#garments`);
    await shared.deleteMany(['item-000003', 'item-000600']);
    const again = await functaJson(['store', 'copy', path, `${url}#garments`]);
    expect(again.json).toMatchObject({ functions: 700, copied: 2, there: 698 });
    await shared.put(testFunction(5, { label: 'another' }), { replace: true });
    const other = await functaJson(['store', 'copy', path, `${url}#garments`]);
    expect([other.status, other.json.error.code]).toEqual([1, 'function-exists']);
    expect((await functaJson(['store', 'copy', path, `${url}#garments`, '--replace'])).json.copied).toBe(1);
    await shared.put(testFunction(1000));
    await shared.close();

    const back = join(directory, 'back');
    expect((await functaJson(['store', 'copy', `${url}#garments`, back])).json).toMatchObject({
      copied: 701,
    });
    const restored = await openFunctaset(back, { readOnly: true });
    expect([...restored.iterate()]).toEqual([...series(700), testFunction(1000)]);
    await restored.close();

    const verified = await functa(['store', 'verify', `${url}#garments`]);
    expect(verified.stdout.toString()).toContain('701 functions, all whole');
    expect((await functaJson(['store', 'stats', `${url}#garments`])).json.functions).toBe(701);
    const file = join(directory, 'backup');
    expect((await functaJson(['store', 'backup', `${url}#garments`, file])).json.functions).toBe(701);
    const missing = await functaJson(['store', 'verify', `${url}#none`]);
    expect(missing.json.error.code).toBe('functaset-missing');
  });
});
