/**
 * Weights to start learning from, in the manner of SIREN (arXiv 2006.09661, section 3.2): pre-activations keep a
 * standard deviation near 1 at every depth, whatever the width.
 */
import { type FieldSpec, featureCount, totalChannels, weightLayout } from './spec.ts';

/**
 * Flat weights in the order of `weightLayout`. `uniform` gives numbers in [0, 1) and is called once per weight, in
 * that order. Bounds of the uniform distributions: first layer 1 / features; hidden layers sqrt(6 / width) / w0;
 * output sqrt(6 / width) / 8, so that a fresh field is near 0; M sqrt(6 / channels) / w0, and an eighth of that in
 * the columns that reach the output directly. A bias has the bound of its layer, that of the output is 0.
 *
 * The first channels of a level, as many as outputs, reach the output directly along the vectors of a DCT-II of its length,
 * a quarter long (for RGB about lightness and two differences of colour), and have an eighth of the bound in their other
 * columns: a stack of grids starts as a pyramid that is almost linear (Burt and Adelson 1983, IEEE Transactions on
 * Communications 31(4)), in which every level has a use.
 */
export function initialWeights(spec: FieldSpec, uniform: () => number): Float32Array {
  const layout = weightLayout(spec);
  const weights = new Float32Array(layout.length);
  const fill = (at: number, n: number, bound: number) => {
    for (let i = at; i < at + n; i++) weights[i] = (2 * uniform() - 1) * bound;
  };
  const hidden = Math.sqrt(6 / spec.width);
  layout.w.forEach(({ at, rows }, l) => {
    const bound = l === 0 ? 1 / Math.max(1, featureCount(spec)) : hidden / spec.w0;
    fill(at, rows * spec.width, bound);
    fill(layout.b[l]!, spec.width, bound);
  });
  fill(layout.wo, spec.width * spec.outputs, hidden / 8);
  const channels = totalChannels(spec);
  const shift = Math.sqrt(6 / Math.max(1, channels)) / spec.w0;
  for (let c = 0; c < channels; c++) {
    const row = layout.m + c * layout.mColumns;
    fill(row, spec.layers * spec.width, shift);
    fill(row + spec.layers * spec.width, spec.outputs, shift / 8);
  }
  let row = layout.m;
  for (const level of spec.levels) {
    for (let c = 0; c < level.channels; c++, row += layout.mColumns) {
      if (c >= spec.outputs) continue;
      const direct = row + spec.layers * spec.width;
      for (let i = row; i < direct; i++) weights[i]! /= 8;
      cosineVector(spec.outputs, c).forEach((value, k) => {
        weights[direct + k]! += value / 4;
      });
    }
  }
  return weights;
}

/** Vector `k` of the orthonormal DCT-II of `length`. */
function cosineVector(length: number, k: number): number[] {
  const norm = Math.sqrt((k === 0 ? 1 : 2) / length);
  return Array.from({ length }, (_, i) => norm * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * length)));
}
