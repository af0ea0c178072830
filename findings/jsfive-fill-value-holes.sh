#!/usr/bin/env bash
# jsfive 0.4.2: samples of an HDF5 data set whose chunks were never written come as holes of a sparse array, not as the fill value. The HDF5 User Guide (Datasets,
# "fill values") says that a reader gets the fill value, 0 by default, there, as h5wasm, h5py and netCDF give it. `map`, `forEach` and `reduce` skip holes, so a mean
# divides by too many, and Float32Array.from() makes them NaN. Sparse and growing data sets are full of such chunks.
#
# Seen with Node 20.20.2, Linux x64, of 4 samples 1 to 4 in chunks of 2, the data set grown to 7: h5wasm 0.10.3 gives 1 2 3 4 0 0 0, jsfive 1 2 3 4 and three
# empty items (length 7), though it knows the fill value. A reader over it fills holes by `dataset.fillvalue`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund jsfive@0.4.2 h5wasm@0.10.3 >/dev/null
cat >look.js <<'JS'
import { readFileSync } from 'node:fs';
import h5wasm from 'h5wasm/node';
import * as jsfive from 'jsfive';
await h5wasm.ready;
const written = new h5wasm.File('grown.h5', 'w');
written.create_dataset({ name: 'grown', data: new Float32Array([1, 2, 3, 4]), shape: [4], maxshape: [null], chunks: [2], dtype: '<f4' });
written.get('grown').resize([7]);
written.close();
const read = new h5wasm.File('grown.h5', 'r');
const expected = [...read.get('grown').value];
read.close();
const file = new jsfive.File(new Uint8Array(readFileSync('grown.h5')).buffer, 'grown.h5');
const { value, fillvalue, shape } = file.get('grown');
const visited = [];
value.forEach((sample) => visited.push(sample));
console.log('expected', expected.join(' '), ' jsfive', value, 'visited', visited.length, 'shape', shape, 'fill value', fillvalue);
const areHoles = value.length === 7 && visited.length === 4 && !(4 in value) && Number.isNaN(Float32Array.from(value)[6]);
process.exit(expected.join() === '1,2,3,4,0,0,0' && areHoles && fillvalue === 0 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
