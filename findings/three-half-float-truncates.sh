#!/usr/bin/env bash
# three 0.187.0: DataUtils.toHalfFloat() cuts towards zero; IEEE 754-2019, 4.3.1, rounds to nearest, ties to even, by default, as numpy, GPUs and Math.f16round do. It
# says that it "returns a half precision floating point value from the given single precision" one. The largest error is twice as large, and, worse, all of
# one sign: weights or fields packed as half floats shrink, and sums of them come out low.
#
# Seen with Node 20.20.2, Linux x64, of 100,000 numbers in [1, 2): every one that changes gets smaller, by 4.9e-4 on average and 9.8e-4 at most; to nearest: half
# get smaller, the mean error is 7e-8 and the largest 4.9e-4. 0.99999 becomes 0.99951, not 1.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund three@0.187.0 >/dev/null
cat >look.js <<'JS'
import { DataUtils, REVISION } from 'three';
const numbers = Float32Array.from({ length: 100000 }, (_, i) => 1 + ((i * 0.6180339887498949) % 1));
const through = (value) => DataUtils.fromHalfFloat(DataUtils.toHalfFloat(value));
// in [1, 2) a half float has steps of 2^-10; no number here lies at the middle of a step
const nearest = (value) => Math.round(value * 1024) / 1024;
function look(change) {
  const errors = Array.from(numbers, (value) => change(value) - value);
  return {
    smaller: errors.filter((error) => error < 0).length,
    larger: errors.filter((error) => error > 0).length,
    mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    most: Math.max(...errors.map(Math.abs)),
  };
}
const seen = look(through);
const expected = look(nearest);
console.log(REVISION, JSON.stringify({ seen, expected, nearOne: through(0.99999) }));
const isAsSeen = seen.larger === 0 && seen.smaller > 99000 && seen.mean < -4.5e-4 && seen.most > 9e-4 && through(0.99999) === 0.99951171875;
process.exit(isAsSeen && expected.larger > 40000 && Math.abs(expected.mean) < 1e-5 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
