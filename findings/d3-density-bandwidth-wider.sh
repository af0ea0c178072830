#!/usr/bin/env bash
# d3-contour 4.0.3: the kernel of contourDensity() is wider than asked, the more so the smaller the bandwidth is beside the cell size, which is 4 pixels by
# default. Its documentation calls `bandwidth` "the standard deviation of the Gaussian kernel". The standard deviation is turned into a radius of three
# box blurs in pixels, and the radius then scaled to cells: r (r + 1) is the variance, and does not scale.
#
# Seen with Node 20.20.2, Linux x64, of one point: by the radius at half of the peak, a bandwidth of 4 pixels is 6.2, of 8 is 10.3, of 20 is 23.1 at the cell
# size of 4; at a cell size of 1 it is 8 % too wide. Bandwidths chosen by a rule (Scott's, Silverman's) smooth too much, and peaks are 0.51 to 0.77 of theirs.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund d3-contour@4.0.3 >/dev/null
cat >look.js <<'JS'
import { contourDensity } from 'd3-contour';
function look(bandwidth, cell) {
  const centre = 256 + cell / 2;
  const density = contourDensity().x((d) => d[0]).y((d) => d[1]).size([512, 512]).cellSize(cell).bandwidth(bandwidth);
  const contours = density.contours([[centre, centre]]);
  const half = Math.max(...contours(contours.max / 2).coordinates[0][0].map(([x]) => x - centre));
  const peak = contours.max * 2 * Math.PI * bandwidth ** 2;
  return { asked: bandwidth, cell, deviation: +(half / Math.sqrt(2 * Math.LN2)).toFixed(2), peak: +peak.toFixed(2) };
}
const seen = [look(4, 4), look(8, 4), look(20, 4), look(20, 1)];
for (const row of seen) console.log(JSON.stringify(row), 'expected', row.asked, 'and 1');
const ratios = seen.map(({ asked, deviation }) => deviation / asked);
process.exit(ratios[0] > 1.4 && ratios[1] > 1.2 && ratios[2] > 1.1 && ratios[3] < 1.1 && seen[0].peak < 0.6 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
