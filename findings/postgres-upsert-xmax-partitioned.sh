#!/usr/bin/env bash
# PostgreSQL 18.6 (PGlite 0.5.14), and 15 alike: `INSERT … ON CONFLICT … DO UPDATE … RETURNING xmax = 0`, the usual way to tell a row that was inserted from
# one that was updated, is refused on a partitioned table with 0A000 "cannot retrieve a system column in this context", whichever of the two it would be.
# On a plain table it answers; on the partitioned one `tableoid` and `ctid` of the same statement are given. So the code that counts what is new works
# until a table gets partitions.
#
# Seen with Node 20.20.2, Linux x64. What counts new rows of a partitioned table has to say so by a column of its own, or look before.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @electric-sql/pglite@0.5.14 >/dev/null
cat >look.js <<'JS'
import { PGlite } from '@electric-sql/pglite';
const database = await PGlite.create();
await database.exec(`
  CREATE TABLE plain (id text PRIMARY KEY, v int);
  CREATE TABLE parted (id text PRIMARY KEY, v int) PARTITION BY HASH (id);
  CREATE TABLE part PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0);`);
const put = (table, v, told) =>
  database
    .query(`INSERT INTO ${table} VALUES ('a', $1) ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING ${told} AS told`, [v])
    .then(({ rows }) => rows[0].told, (error) => error.code);
const seen = [];
for (const table of ['plain', 'parted'])
  for (const told of ['xmax = 0', 'tableoid::regclass::text']) seen.push(await put(table, 1, told), await put(table, 2, told));
console.log((await database.query('SELECT version()')).rows[0].version, JSON.stringify(seen));
const wanted = [true, false, 'plain', 'plain', '0A000', '0A000', 'part', 'part'];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.js || { echo 'changed, or one of them failed'; exit 1; }
