#!/usr/bin/env bash
# TensorFlow.js 4.22.0: the gradient of tf.cumsum along any axis but the last comes back transposed. For a matrix that is not square this raises an error of
# shapes; for a square one, or a cube, it is silent, and each weight is moved by what belongs to its mirror image across the diagonal.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of the sum over [[1, 2], [3, 4]] summed along axis 0: [[2, 1], [2, 1]] where the derivative is [[2, 2], [1, 1]]
# (row 0 is counted twice); along axis 1 it is right. Transpose before and after, and sum along the last axis.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const x = tf.tensor2d([[1, 2], [3, 4]]);
const gradientOf = (f) => JSON.stringify(tf.grad((t) => tf.sum(f(t)))(x).arraySync());
const seen = {
  axis0: gradientOf((t) => tf.cumsum(t, 0)),
  axis1: gradientOf((t) => tf.cumsum(t, 1)),
  byHand: gradientOf((t) => tf.transpose(tf.cumsum(tf.transpose(t), 1))),
};
console.log(tf.version_core, seen);
process.exit(seen.axis0 === '[[2,1],[2,1]]' && seen.byHand === '[[2,2],[1,1]]' && seen.axis1 === '[[2,1],[2,1]]' ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
