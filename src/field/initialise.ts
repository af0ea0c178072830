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
  return weights;
}
