#!/usr/bin/env bash
# three 0.187.0: colours of a PLY's vertices are made linear by its PLYLoader and stored again in 8 bits, so that 73 of 256 levels are gone, nearly all of them dark ones:
# 0 to 6 become 0, 7 to 17 become 1. The property "uchar red" says 0 to 255 and nothing in the loader's documentation that values change; the array
# that comes back is of the same type as the file's, as if it were the file's. What is dark in a scan has steps then, and nothing can turn it back.
#
# Seen with Node 20.20.2, Linux x64, of 256 vertices with the levels 0 to 255: 183 distinct levels, 128 becomes 55. A file with floats of the same colours keeps
# all 256. Colours of scans are read by a reader of one's own, or turned to floats before.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund three@0.187.0 >/dev/null
cat >look.js <<'JS'
import { REVISION } from 'three';
import { PLYLoader } from 'three/examples/jsm/loaders/PLYLoader.js';
function levels(type, scale) {
  const rows = Array.from({ length: 256 }, (_, i) => `0 0 ${i} ${i * scale} ${i * scale} ${i * scale}`);
  const properties = ['x', 'y', 'z'].map((name) => `property float ${name}`).concat(['red', 'green', 'blue'].map((name) => `property ${type} ${name}`));
  const text = ['ply', 'format ascii 1.0', 'element vertex 256', ...properties, 'end_header', ...rows, ''].join('\n');
  const { array } = new PLYLoader().parse(text).attributes.color;
  return { kind: array.constructor.name, values: Array.from(array).filter((_, i) => i % 3 === 0) };
}
const bytes = levels('uchar', 1);
const floats = levels('float', 1 / 255);
const distinct = ({ values }) => new Set(values).size;
console.log(REVISION, bytes.kind, distinct(bytes), 'levels of 256:', bytes.values.slice(0, 20).join(' '), ' 128 ->', bytes.values[128], ' floats:', distinct(floats));
const isAsSeen = bytes.kind === 'Uint8Array' && distinct(bytes) === 183 && bytes.values[6] === 0 && bytes.values[128] === 55;
process.exit(isAsSeen && distinct(floats) === 256 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
