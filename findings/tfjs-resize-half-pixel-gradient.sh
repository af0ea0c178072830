#!/usr/bin/env bash
# TensorFlow.js 4.22.0: the gradients of tf.image.resizeBilinear and resizeNearestNeighbor do not know `halfPixelCenters`: forward they sample by pixel centres, as
# asked, backward they spread by the other rule. The sum of the gradient is right, each of its numbers is shifted by up to half a sample to its neighbours, so
# what is learnt through a resize moves.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of a row of 4 resized to 2, loss the first output: bilinear gives [1, 0, 0, 0] where finite differences say
# [0.5, 0.5, 0, 0]; of a row of 5 resized to 2 nearest gives [1, 0, 0, 0, 0] for [0, 1, 0, 0, 0]. Without the option both agree.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
// squares: the gradient of a bilinear resize comes back with height and width exchanged, which another finding would be
const side = { bilinear: 4, nearest: 5 };
const resize = { bilinear: tf.image.resizeBilinear, nearest: tf.image.resizeNearestNeighbor };
function look(kind, halfPixelCenters) {
  const n = side[kind];
  const first = (x) => tf.sum(tf.slice(resize[kind](x, [n, 2], false, halfPixelCenters), [0, 0, 0, 0], [1, 1, 1, 1]));
  const values = Float32Array.from({ length: n * n }, (_, i) => i);
  const tensor = (numbers) => tf.tensor4d(numbers, [1, n, n, 1]);
  const gradient = [...tf.grad(first)(tensor(values)).dataSync()].slice(0, n);
  const differences = gradient.map((_, i) => {
    const moved = values.slice();
    moved[i] += 1;
    return tf.sub(first(tensor(moved)), first(tensor(values))).dataSync()[0];
  });
  return { gradient: gradient.join(), differences: differences.join() };
}
const seen = {};
for (const kind of ['bilinear', 'nearest']) seen[kind] = { half: look(kind, true), plain: look(kind, false) };
console.log(tf.version_core, JSON.stringify(seen));
const isAsSeen = seen.bilinear.half.gradient === '1,0,0,0' && seen.bilinear.half.differences === '0.5,0.5,0,0' &&
  seen.nearest.half.gradient === '1,0,0,0,0' && seen.nearest.half.differences === '0,1,0,0,0';
const isPlainRight = Object.values(seen).every(({ plain }) => plain.gradient === plain.differences);
process.exit(isAsSeen && isPlainRight ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
