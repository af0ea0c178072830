#!/usr/bin/env bash
# TensorFlow.js 4.22.0: a dropout layer with a seed drops the same units at every step, for the whole training. The layer's documentation says "seed: An integer
# to use as random seed", as Keras does, where the seed starts a sequence of masks; here each call starts anew from it. So whoever seeds a training to
# repeat it leaves many of the weights untrained, and serves a network of which a part was never fitted.
#
# Seen with Node 20.20.2, CPU backend, Linux x64: 20 calls give 20 masks without a seed, and one mask with it; after 50 steps of model.fit on a layer of ones,
# 6 of 8 weights are as they were. A training is seeded by masks of one's own, or by no seed in the layer.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const masksOf = (layer) =>
  new Set(Array.from({ length: 20 }, () => layer.apply(tf.ones([32]), { training: true }).dataSync().join())).size;
async function untrained(seed) {
  const dropout = tf.layers.dropout({ rate: 0.5, ...(seed === undefined ? {} : { seed }), inputShape: [8] });
  const dense = tf.layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones' });
  const model = tf.sequential({ layers: [dropout, dense] });
  model.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0.001) });
  await model.fit(tf.ones([1, 8]), tf.zeros([1, 1]), { epochs: 50, verbose: 0 });
  return dense.getWeights()[0].dataSync().filter((weight) => weight === 1).length;
}
const seen = {
  masks: { unseeded: masksOf(tf.layers.dropout({ rate: 0.5 })), seeded: masksOf(tf.layers.dropout({ rate: 0.5, seed: 1 })) },
  untrained: { unseeded: await untrained(), seeded: await untrained(1) },
};
console.log(tf.version_core, JSON.stringify(seen));
const asSeen = seen.masks.unseeded === 20 && seen.masks.seeded === 1 && seen.untrained.unseeded === 0 && seen.untrained.seeded >= 2;
process.exit(asSeen ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
