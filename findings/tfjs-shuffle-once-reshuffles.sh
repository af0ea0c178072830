#!/usr/bin/env bash
# TensorFlow.js 4.22.0: `dataset.shuffle(size, seed, false)` comes in another order each time it is read. Its documentation says of the last argument: "If
# false, elements will be returned in the same shuffled order on each iteration." So the usual split, `take` for validation and `skip` for training of one
# dataset that is shuffled once, lets most of the validation items into the training, and each epoch validates on others.
#
# Seen with Node 20.20.2, Linux x64, of 1,000 items, 200 taken and 200 skipped: about 160 of the 200 validation items are trained on within the first epoch,
# and about 40 come again at the next reading of `take`; by the documentation 0 and 200. Shuffle an array before the dataset is made of it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat >look.js <<'JS'
import * as tf from '@tensorflow/tfjs';
const items = Array.from({ length: 1000 }, (_, i) => i);
const shuffled = tf.data.array(items).shuffle(1000, 'seed', false);
const validation = new Set(await shuffled.take(200).toArray());
const training = await shuffled.skip(200).toArray();
const again = await shuffled.take(200).toArray();
const seen = {
  trainedOn: training.filter((item) => validation.has(item)).length,
  validatedAgain: again.filter((item) => validation.has(item)).length,
};
console.log(tf.version_core, JSON.stringify(seen), 'expected', JSON.stringify({ trainedOn: 0, validatedAgain: 200 }));
process.exit(seen.trainedOn > 100 && seen.validatedAgain < 100 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
