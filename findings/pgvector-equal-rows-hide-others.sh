#!/usr/bin/env bash
# pgvector 0.8.7, hnsw index: many equal vectors cut others off. With four copies of one vector for each other row, hardly any of the others is found by a search for
# exactly its own values, and neither hnsw.ef_search at ten times its default, nor iterative scans, nor building the index anew mend it. Its documentation
# says of recall that ef_search trades it for speed. Blank tiles, silence and zero modulations are such copies.
#
# Seen with PGlite 0.5.14, Node 20.20.2, Linux x64, of 500 rows of 8 numbers put after 2,000 zero vectors, one nearest asked for each: 6 to 40 find themselves (links are
# drawn anew in each run), by an ef_search of 40 or 400 alike, 37 to 233 after REINDEX; all 500 without the copies, and without the index. Keep one of equals.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @electric-sql/pglite@0.5.14 @electric-sql/pglite-pgvector@0.0.15 >/dev/null
cat >look.js <<'JS'
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
// mulberry32: the same rows on every run
let state = 1;
const uniform = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const rows = Array.from({ length: 500 }, () => `[${Array.from({ length: 8 }, () => (uniform() - 0.5).toFixed(4))}]`);
async function open(copies) {
  const database = await PGlite.create({ extensions: { vector } });
  await database.exec(`CREATE EXTENSION vector; CREATE TABLE p (id int, v vector(8)); CREATE INDEX graph ON p USING hnsw (v vector_l2_ops);
    INSERT INTO p SELECT 1000 + i, '[0,0,0,0,0,0,0,0]' FROM generate_series(1, ${copies}) AS i;`);
  for (const [id, row] of rows.entries()) await database.query('INSERT INTO p VALUES ($1, $2)', [id, row]);
  await database.exec('SET enable_seqscan = off');
  return database;
}
async function found(database) {
  let count = 0;
  for (const [id, row] of rows.entries()) {
    const answer = await database.query('SELECT id FROM p ORDER BY v <-> $1::vector LIMIT 1', [row]);
    if (answer.rows[0]?.id === id) count++;
  }
  return count;
}
const alone = await found(await open(0));
const database = await open(2000);
const seen = { alone, ef40: await found(database) };
await database.exec('SET hnsw.ef_search = 400');
seen.ef400 = await found(database);
await database.exec('SET hnsw.iterative_scan = strict_order');
seen.iterative = await found(database);
await database.exec('REINDEX INDEX graph');
seen.reindexed = await found(database);
await database.exec('DROP INDEX graph');
seen.exact = await found(database);
console.log(JSON.stringify(seen), 'of 500');
const isHidden = [seen.ef40, seen.ef400, seen.iterative, seen.reindexed].every((count) => count < 350);
process.exit(alone >= 495 && seen.exact === 500 && isHidden ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
