import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withPostgres } from '../postgres.ts';
import { temporary } from '../temporary.ts';
import { functa } from './in-process.ts';

/** One line that says what is wrong, without the password. */
const refused = async (store: string, code: string) => {
  const { status, stdout, stderr } = await functa(['worker', '--store', store, '--home', temporary()]);
  expect([status, stdout.toString()]).toEqual([1, '']);
  expect(stderr).toMatch(new RegExp(`^functa: [^\\n]* \\[${code}\\]\\n$`));
  expect(stderr).not.toContain('s3cret');
};

// the wait for a database that may come up is most of it
test(
  'a worker whose database is not to be reached says so in one line',
  () => refused('postgres://somebody:s3cret@127.0.0.1:1/functa', 'store-unreachable'),
  60_000,
);

withPostgres('functa worker', { settings: ['password_encryption=scram-sha-256'] }, (cluster) => {
  test('with a wrong password, or a database that is not there, it says so in one line', async () => {
    const { directory, sql } = cluster();
    writeFileSync(
      join(directory, 'data', 'pg_hba.conf'),
      'local all guarded scram-sha-256\nlocal all all trust\n',
    );
    sql(`CREATE ROLE guarded LOGIN PASSWORD 'right'; SELECT pg_reload_conf()`);
    await expect.poll(() => sql('SELECT count(*) FROM pg_hba_file_rules')).toBe('2');
    await refused(cluster().url('postgres', 'guarded:s3cret'), 'store-denied');
    await refused(cluster().url('none'), 'store-unreachable');
  });
});
