#!/usr/bin/env bash
# TensorFlow.js 4.22.0: tf.randomUniform of type int32, and tf.randomUniformInt, over a range that contains zero draw 0 twice as often as the rest, and the
# lower bound never. Both are documented as uniform in [minval, maxval) with "the lower bound minval included"; reals are cut towards zero, not floored.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of 60,000 numbers in [-3, 3): 0 about 20,000 times, -2, -1, 1 and 2 about 10,000, -3 never; six times 10,000
# are expected. In [0, 6) they are uniform. Shifts for augmentation and signed noise drawn so are biased: draw from [0, n) and subtract.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
function counts(tensor, from) {
  const found = Array(6).fill(0);
  for (const value of tensor.dataSync()) found[value - from]++;
  return found;
}
const seen = {
  randomUniform: counts(tf.randomUniform([60000], -3, 3, 'int32', 1), -3),
  randomUniformInt: counts(tf.randomUniformInt([60000], -3, 3, 1), -3),
  fromZero: counts(tf.randomUniform([60000], 0, 6, 'int32', 1), 0),
};
console.log(tf.version_core, JSON.stringify(seen));
const isBiased = (found) => found[0] === 0 && found[3] > 19000 && [1, 2, 4, 5].every((i) => Math.abs(found[i] - 10000) < 600);
const isUniform = seen.fromZero.every((count) => Math.abs(count - 10000) < 600);
process.exit(isBiased(seen.randomUniform) && isBiased(seen.randomUniformInt) && isUniform ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
