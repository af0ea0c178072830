#!/usr/bin/env bash
# usearch 2.25.3 (Node binding), L2sq, connectivity 16: one zero vector added before 1,000 standard normal vectors of 64 numbers
# starves the graph. Asked for its own rows, it finds about one in eight; with the same zero vector added last it finds nearly
# all, and a larger expansion of the search does not help the first graph.
#
# Seen with Node 20.20.2, Linux x64, of 1,000 rows: 112 with the zero first (expansions 64 and 1,024 alike), 999 with the zero last.
# A graph that was built or loaded is therefore asked for a sample of its own rows before it is used.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund usearch@2.25.3 >/dev/null
cat >look.js <<'JS'
import { Index, MetricKind, ScalarKind } from 'usearch';
const n = 1000;
const dimensions = 64;
// mulberry32 and Box-Muller: the same rows on every run
let state = 1;
const uniform = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const rows = Array.from({ length: n }, () => Float32Array.from({ length: dimensions }, normal));
const zero = new Float32Array(dimensions);
function selfFound(zeroFirst, expansion) {
  const index = new Index({
    dimensions, metric: MetricKind.L2sq, quantization: ScalarKind.F32, connectivity: 16,
    expansion_add: 128, expansion_search: expansion, multi: false,
  });
  if (zeroFirst) index.add(BigInt(n), zero);
  rows.forEach((row, i) => index.add(BigInt(i), row));
  if (!zeroFirst) index.add(BigInt(n), zero);
  return rows.filter((row, i) => Number(index.search(row, 1, 1).keys[0]) === i).length;
}
const seen = { first64: selfFound(true, 64), first1024: selfFound(true, 1024), last64: selfFound(false, 64) };
console.log(JSON.stringify(seen));
process.exit(seen.first64 < 250 && seen.first1024 < 250 && seen.last64 > 950 ? 0 : 1);
JS
node look.js || { echo 'changed, or the binding failed'; exit 1; }
