#!/usr/bin/env bash
# ssim.js 3.5.0: what it returns by default is not the SSIM of the paper that its README calls it "a direct port" of (Wang et al. 2004: windows of 11 x 11 under a
# Gaussian of 1.5). The README names "the Weber algorithm" as the default implementation, not that it is another measure: unweighted windows, far higher values
# under noise. Pictures of 384 and more are made smaller first, which `downsample: 'fast'` is to do as well and does not: it gives what `false` gives.
#
# Seen with Node 20.20.2, Linux x64, of a picture of 64 x 48 under noise: 0.84 by default, 0.62 by { ssim: 'fast' } and by the paper; of 520 x 520 by the same measure
# 0.96 made smaller, 0.63 at its size, 0.63 by downsample 'fast'. Figures to set beside others' come from { ssim: 'original', downsample: false }.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund ssim.js@3.5.0 >/dev/null
cat >look.js <<'JS'
import library from 'ssim.js';
const ssim = library.ssim ?? library;
// mulberry32: the same noise on every run
let state = 1;
const uniform = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
function picture(width, height, noise) {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    const wave = 128 + 60 * Math.sin((i % width) / 5) + 40 * Math.cos(Math.floor(i / width) / 4) + noise * (uniform() - 0.5);
    data.fill(wave, 4 * i, 4 * i + 3);
  }
  return { data, width, height };
}
/** Wang et al. 2004, equation 13, of grey pictures: Gaussian windows of 11 x 11 that lie within. */
function byThePaper(a, b) {
  const weights = [];
  for (let y = -5; y <= 5; y++) for (let x = -5; x <= 5; x++) weights.push([x, y, Math.exp(-(x * x + y * y) / 4.5)]);
  const total = weights.reduce((sum, [, , weight]) => sum + weight, 0);
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  let [sum, count] = [0, 0];
  for (let y = 5; y < a.height - 5; y++)
    for (let x = 5; x < a.width - 5; x++) {
      let [ma, mb, aa, bb, ab] = [0, 0, 0, 0, 0];
      for (const [dx, dy, weight] of weights) {
        const at = 4 * ((y + dy) * a.width + x + dx);
        const [p, q, w] = [a.data[at], b.data[at], weight / total];
        ma += w * p; mb += w * q; aa += w * p * p; bb += w * q * q; ab += w * p * q;
      }
      sum += ((2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2)) / ((ma * ma + mb * mb + c1) * (aa - ma * ma + bb - mb * mb + c2));
      count++;
    }
  return sum / count;
}
const [clean, noisy] = [picture(64, 48, 0), picture(64, 48, 60)];
const [large, largeNoisy] = [picture(520, 520, 0), picture(520, 520, 60)];
const measure = (a, b, options) => +ssim(a, b, options).mssim.toFixed(4);
const seen = {
  default: measure(clean, noisy),
  fast: measure(clean, noisy, { ssim: 'fast' }),
  paper: +byThePaper(clean, noisy).toFixed(4),
  large: Object.fromEntries(['original', 'fast', false].map((downsample) => [downsample, measure(large, largeNoisy, { ssim: 'fast', downsample })])),
};
console.log(JSON.stringify(seen));
const isOther = seen.default - seen.paper > 0.1 && Math.abs(seen.fast - seen.paper) < 0.005;
process.exit(isOther && seen.large.fast === seen.large.false && seen.large.original - seen.large.false > 0.1 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
