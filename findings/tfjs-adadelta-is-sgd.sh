#!/usr/bin/env bash
# TensorFlow.js 4.22.0: tf.train.adadelta is plain gradient descent. Its documentation names https://arxiv.org/abs/1212.5701, whose algorithm 1 divides by the
# mean square of gradients *after* this step's gradient went in; here it is the one before. Both averages start at zero, so the first update is the gradient,
# and from then on the two averages are equal and their ratio is 1 for good: neither rho nor the scale of a gradient has any effect.
#
# Seen with Node 20.20.2, CPU backend, Linux x64: f(x) = 500 x², from 1, rate 0.0005: 0.5, 0.25, 0.125, 0.0625 as by tf.train.sgd, with rho 0.5 and 0.99;
# by the paper 0.9999993, 0.9999986 and so on. Whoever compares optimisers here measures gradient descent twice; a rate that suits Adadelta (1) diverges.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const rate = 0.0005;
function walk(optimizer) {
  const x = tf.variable(tf.scalar(1));
  return Array.from({ length: 4 }, () => {
    optimizer.minimize(() => tf.mul(500, tf.square(x)));
    return x.dataSync()[0];
  });
}
function byThePaper(rho, epsilon = 1e-7) {
  let [x, squares, updates] = [1, 0, 0];
  return Array.from({ length: 4 }, () => {
    const gradient = 1000 * x;
    squares = rho * squares + (1 - rho) * gradient ** 2;
    const update = (Math.sqrt(updates + epsilon) / Math.sqrt(squares + epsilon)) * gradient;
    updates = rho * updates + (1 - rho) * update ** 2;
    x -= rate * update;
    return x;
  });
}
const seen = { sgd: walk(tf.train.sgd(rate)), fast: walk(tf.train.adadelta(rate, 0.5)), slow: walk(tf.train.adadelta(rate, 0.99)) };
console.log(tf.version_core, JSON.stringify({ ...seen, expected: byThePaper(0.5) }));
const near = (found) => found.every((value, i) => Math.abs(value - seen.sgd[i]) < 1e-5);
process.exit(near(seen.fast) && near(seen.slow) && byThePaper(0.5).at(-1) > 0.999 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
