#!/usr/bin/env bash
# TensorFlow.js 4.22.0: the gradient of tf.mirrorPad leaves out what the mirrored copies say: it is the gradient of padding by zeros. Each sample that is
# mirrored stands two or more times in the padded tensor, so its gradient is the sum over all of them, as TensorFlow's MirrorPadGrad has it. The forward pass
# is right, no error is raised, and a fit through reflected borders converges to something else there.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of the sum of [1, 2, 3] padded by two on the left, as "reflect" [1, 1, 1] where finite differences say
# [1, 2, 2], as "symmetric" [1, 1, 1] for [2, 2, 1]. tf.concat of slices, or tf.gather, differentiates as it should.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const point = [1, 2, 3];
const differences = (f) =>
  point.map((_, i) => {
    const at = (step) => f(tf.tensor1d(point.map((value, j) => (i === j ? value + step : value)))).dataSync()[0];
    return Math.round((at(0.5) - at(-0.5)) * 1e4) / 1e4;
  });
const seen = {};
const told = {};
for (const mode of ['reflect', 'symmetric']) {
  const f = (x) => tf.sum(tf.mirrorPad(x, [[2, 0]], mode));
  seen[mode] = [...tf.grad(f)(tf.tensor1d(point)).dataSync()];
  told[mode] = differences(f);
}
const gathered = (x) => tf.sum(tf.gather(x, tf.tensor1d([2, 1, 0, 1, 2], 'int32')));
console.log(tf.version_core, JSON.stringify({ seen, differences: told, gather: [...tf.grad(gathered)(tf.tensor1d(point)).dataSync()] }));
const isAsSeen = seen.reflect.join() === '1,1,1' && seen.symmetric.join() === '1,1,1';
process.exit(isAsSeen && told.reflect.join() === '1,2,2' && told.symmetric.join() === '2,2,1' ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
