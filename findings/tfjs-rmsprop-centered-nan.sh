#!/usr/bin/env bash
# TensorFlow.js 4.22.0: tf.train.rmsprop with `centered` divides by sqrt(E[g²] - E[g]² - epsilon): the epsilon that is to keep the root from zero is taken away, not
# added (arXiv:1308.0850, equation 40; its own plain form adds it). Where a gradient changes little, the variance falls below epsilon, the weight turns NaN,
# and a larger epsilon, the usual remedy, makes it come sooner.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of a loss with the gradient 1 everywhere, decay 0.9: NaN at steps 37, 44 and 66 for epsilons of 0.02, 0.01
# and 0.001; with the sign of the paper, and without `centered`, never in 400 steps.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const steps = 400;
function firstNaN(epsilon, centered) {
  const optimizer = tf.train.rmsprop(0.001, 0.9, 0, epsilon, centered);
  const x = tf.variable(tf.scalar(1));
  for (let step = 1; step <= steps; step++) {
    optimizer.minimize(() => tf.mul(1, x));
    if (Number.isNaN(x.dataSync()[0])) return step;
  }
  return null;
}
function byThePaper(epsilon) {
  let [x, squares, mean] = [1, 0, 0];
  for (let step = 1; step <= steps; step++) {
    squares = 0.9 * squares + 0.1;
    mean = 0.9 * mean + 0.1;
    x -= 0.001 / Math.sqrt(squares - mean ** 2 + epsilon);
    if (Number.isNaN(x)) return step;
  }
  return null;
}
const epsilons = [0.02, 0.01, 0.001];
const seen = epsilons.map((epsilon) => firstNaN(epsilon, true));
console.log(tf.version_core, JSON.stringify({ seen, plain: firstNaN(0.01, false), expected: epsilons.map((epsilon) => byThePaper(epsilon)) }));
const asSeen = seen.every((step) => step !== null) && seen[0] < seen[1] && seen[1] < seen[2];
process.exit(asSeen && firstNaN(0.01, false) === null ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
