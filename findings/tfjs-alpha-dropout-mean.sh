#!/usr/bin/env bash
# TensorFlow.js 4.22.0: tf.layers.alphaDropout moves the mean. Its documentation says that it "keeps mean and variance of inputs to their original values" by
# "setting activations to the negative saturation value" (arXiv:1706.02515, section 2, "new dropout technique"); a sign is wrong, and what is dropped becomes
# +1.758 in place of -1.758. The variance is kept, so that a look at the spread alone finds nothing.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of 200,000 normal numbers of mean 0 and variance 1 at rate 0.5: mean 1.56, variance 1.00; by the paper 0
# and 1. Networks of SELU thus learn and answer on different inputs.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const rate = 0.5;
const given = tf.randomNormal([200000], 0, 1, 'float32', 1);
const moments = (values) => {
  const { mean, variance } = tf.moments(values);
  return { mean: mean.dataSync()[0], variance: variance.dataSync()[0] };
};
// the paper's: dropped values become -λα, then an affine map restores mean and variance
const saturation = -1.6732632423543772 * 1.0507009873554805;
const scale = ((1 - rate) * (1 + rate * saturation ** 2)) ** -0.5;
const kept = tf.cast(tf.greaterEqual(tf.randomUniform([200000], 0, 1, 'float32', 2), rate), 'float32');
const dropped = tf.add(tf.mul(given, kept), tf.mul(tf.sub(1, kept), saturation));
const expected = moments(tf.add(tf.mul(dropped, scale), -scale * saturation * rate));
const seen = moments(tf.layers.alphaDropout({ rate }).apply(given, { training: true }));
console.log(tf.version_core, JSON.stringify({ given: moments(given), seen, expected }));
const asSeen = Math.abs(seen.mean - 1.56) < 0.05 && Math.abs(seen.variance - 1) < 0.05;
process.exit(asSeen && Math.abs(expected.mean) < 0.02 && Math.abs(expected.variance - 1) < 0.05 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
