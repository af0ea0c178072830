import { onTestFinished } from 'vitest';
import { withPostgres } from '../../test/postgres.ts';
import { functasetContract } from '../functaset/test-contract.ts';
import { testNetwork } from '../functaset/testing.ts';
import { createPostgresFunctaset, Database, openPostgresFunctaset } from './index.ts';

withPostgres('PostgreSQL', {}, (cluster) => {
  let url: Promise<string> | undefined;
  let made = 0;
  functasetContract('postgres', async () => {
    url ??= cluster().database();
    const database = await Database.open(await url);
    onTestFinished(() => database.close());
    const of = { namespace: '', name: `set${++made}` };
    await createPostgresFunctaset(database, of, testNetwork());
    return {
      open: (options) => openPostgresFunctaset(database, of, { network: testNetwork(), ...options }),
      damage: async (id) => {
        const { row } = await openPostgresFunctaset(database, of);
        const flipped = 'set_byte(record, 12, get_byte(record, 12) # 1)';
        await database.query((client) =>
          client.query(`UPDATE functa.functions_${row.id} SET record = ${flipped} WHERE id = $1`, [id]),
        );
      },
    };
  });
});
