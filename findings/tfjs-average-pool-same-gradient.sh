#!/usr/bin/env bash
# TensorFlow.js 4.22.0, CPU backend: the gradient of average pooling with "same" padding is too small at the borders. Forward, a window that hangs over the edge
# is averaged over the samples that are there, as TensorFlow does; backward, the same window divides by its whole size, also in tf.avgPool3d. So a constant
# that is added to the picture changes the result by 1, and by the gradient by less.
#
# Seen with Node 20.20.2, Linux x64, of the mean over all outputs of a picture of 5 x 5 under windows of 2 x 2, steps of 2: the gradient sums to 0.694 in place
# of 1, with 3 x 3 x 3 of a volume at steps of 1 to 0.47; with "valid" to 1. Pad by hand, or check it by finite differences before a training.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const flat = tf.fill([1, 5, 5, 1], 3);
const solid = tf.fill([1, 3, 3, 3, 1], 3);
const cases = {
  same: [flat, (x) => tf.mean(tf.avgPool(x, 2, 2, 'same'))],
  valid: [flat, (x) => tf.mean(tf.avgPool(x, 2, 2, 'valid'))],
  solid: [solid, (x) => tf.mean(tf.avgPool3d(x, 3, 1, 'same'))],
};
const seen = {};
for (const [name, [x, f]] of Object.entries(cases)) {
  const gradient = tf.sum(tf.grad(f)(x)).dataSync()[0];
  const difference = tf.sub(f(tf.add(x, 1)), f(x)).dataSync()[0];
  seen[name] = { gradient: +gradient.toFixed(4), difference: +difference.toFixed(4) };
}
console.log(tf.version_core, JSON.stringify(seen));
const isRight = Object.values(seen).every(({ difference }) => Math.abs(difference - 1) < 1e-4);
process.exit(isRight && seen.same.gradient < 0.8 && seen.solid.gradient < 0.8 && seen.valid.gradient === 1 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
