#!/usr/bin/env bash
# pgvector 0.8.7: sum() over halfvec adds up in half precision, so it stops growing once a step is smaller than half of what a half float can tell: 3,000 ones
# make 2048. No error is raised (an overflow would be one), and avg() of the same rows, which adds in double precision, is right; sum() over vector adds in
# single precision. The documentation lists "sum(halfvec) → halfvec, sum" beside avg without a word of it.
#
# Seen with PGlite 0.5.14, Node 20.20.2, Linux x64: sum 2048 of 3,000 ones, avg 1; as vector 3000. Sums and centroids of stored half vectors are made of
# sum(v::vector) or of avg(v) * count(*).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @electric-sql/pglite@0.5.14 @electric-sql/pglite-pgvector@0.0.15 >/dev/null
cat >look.js <<'JS'
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
const database = await PGlite.create({ extensions: { vector } });
await database.exec('CREATE EXTENSION vector');
const { rows } = await database.query(`
  SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS version, count(*)::int AS count,
    sum(v) AS half, avg(v) AS avg, sum(v::vector) AS single FROM (SELECT '[1]'::halfvec AS v FROM generate_series(1, 3000)) AS ones`);
console.log(JSON.stringify(rows[0]), 'expected [3000]');
const { half, avg, single, count } = rows[0];
process.exit(half === '[2048]' && avg === '[1]' && single === '[3000]' && count === 3000 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
