#!/usr/bin/env bash
# TensorFlow.js 4.22.0: tf.image.rotateWithOffset by a quarter or half turn shifts the picture by a sample and loses a row or a column. Its documentation says that the
# default "rotates the image around its center"; the centre it takes is n / 2 in numbers of samples, half a sample beside (n - 1) / 2, the middle of the
# samples 0 to n - 1 that it then reads at. Four quarter turns do not give the picture back.
#
# Seen with Node 20.20.2, CPU backend, Linux x64, of 3 x 3 samples 1 to 9 by half a turn: 0 0 0 / 0 9 8 / 0 6 5, where 9 8 7 / 6 5 4 / 3 2 1 is the
# picture turned; a centre of 1/3, (n - 1) / 2n, gives that. Rotations for augmentation move every picture the same way.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
await tf.setBackend('cpu');
const picture = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
const turned = (centre) => [...tf.image.rotateWithOffset(picture, Math.PI, 0, centre).dataSync()].join(' ');
const seen = { default: turned(undefined), third: turned(1 / 3) };
console.log(tf.version_core, JSON.stringify(seen));
process.exit(seen.default === '0 0 0 0 9 8 0 6 5' && seen.third === '9 8 7 6 5 4 3 2 1' ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
