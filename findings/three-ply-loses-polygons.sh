#!/usr/bin/env bash
# three 0.187.0: its PLYLoader leaves out every face of more than four corners, without a word. PLY (Turk, "The PLY Polygon File Format", 1994) has faces as lists of
# any length, and exporters of CAD and of sculpting programs write such; of the loader "ASCII decoding assumes file is UTF-8" is the one limitation that is
# documented. OBJLoader of the same package splits them into fans.
#
# Seen with Node 20.20.2, Linux x64, of a triangle, a quad, a pentagon and a hexagon: 3 triangles in place of 10; of the same mesh as OBJ 10. What measures a mesh
# counts the faces that the header says.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund three@0.187.0 >/dev/null
cat >look.js <<'JS'
import { REVISION } from 'three';
import { OBJLoader } from 'three/examples/jsm/loaders/OBJLoader.js';
import { PLYLoader } from 'three/examples/jsm/loaders/PLYLoader.js';
// four polygons side by side
const faces = [];
const corners = [];
for (const count of [3, 4, 5, 6]) {
  faces.push(Array.from({ length: count }, (_, i) => corners.length + i));
  for (let i = 0; i < count; i++) corners.push([3 * count + Math.cos((2 * Math.PI * i) / count), Math.sin((2 * Math.PI * i) / count), 0]);
}
const ply = ['ply', 'format ascii 1.0', `element vertex ${corners.length}`, 'property float x', 'property float y', 'property float z',
  `element face ${faces.length}`, 'property list uchar int vertex_indices', 'end_header',
  ...corners.map((corner) => corner.join(' ')), ...faces.map((face) => [face.length, ...face].join(' ')), ''].join('\n');
const obj = [...corners.map((corner) => `v ${corner.join(' ')}`), ...faces.map((face) => `f ${face.map((i) => i + 1).join(' ')}`), ''].join('\n');
const seen = {
  ply: new PLYLoader().parse(ply).index.count / 3,
  obj: new OBJLoader().parse(obj).children[0].geometry.attributes.position.count / 3,
};
console.log(REVISION, JSON.stringify(seen), 'expected', faces.reduce((sum, face) => sum + face.length - 2, 0));
process.exit(seen.ply === 3 && seen.obj === 10 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
