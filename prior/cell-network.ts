/**
 * The network of one level on one cell: from the inputs of `context.ts` to what means and scales are before this cell's
 * own channels add to them. Semantics are in `autoregressive.ts`. This one is the reference; `cell-network-wasm.ts`
 * computes the same numbers faster.
 *
 * Hot loops read local typed arrays behind `!`: every index is below the length.
 */
import { type LevelTensors, maxHidden } from './autoregressive-tensors.ts';
import { compand } from './context.ts';

export interface CellNetwork {
  /** [inputs]: to be filled before `run`. */
  readonly values: Int32Array;
  /** [channels]: a_c and z_c without the sums over this cell's channels; the caller may change them. */
  readonly means: Int32Array;
  readonly scales: Int32Array;
  run(): void;
}

export type MakeCellNetwork = (tensors: LevelTensors) => CellNetwork;

/** In TypeScript, for all machines. */
export function referenceNetwork(tensors: LevelTensors): CellNetwork {
  const { inputs, auxiliary, channels, hidden, mean, scale } = tensors;
  const values = new Int32Array(inputs);
  // The inputs that are not 0: index, v, x and y of each.
  const active = new Int32Array(Math.max(inputs, ...hidden.map((layer) => layer.units)));
  const raw = new Int32Array(inputs);
  const signed = new Int32Array(active.length);
  const size = new Int32Array(inputs);
  const layers = hidden.map((layer) => new Int32Array(layer.units));
  const out = new Int32Array(channels);
  const means = new Int32Array(channels);
  const scales = new Int32Array(channels);
  return { values, means, scales, run };

  function run(): void {
    let count = 0;
    for (let i = 0; i < inputs; i++) {
      const v = values[i]!;
      if (v === 0) continue;
      const x = i < auxiliary ? v : compand(v);
      active[count] = i;
      raw[count] = v;
      signed[count] = x;
      size[count++] = i >= auxiliary && x < 0 ? -x : x;
    }
    means.set(mean.bias);
    addRows(means, mean.linear, active, raw, count);
    scales.set(scale.bias);
    addRows(scales, scale.linear, active, size, count);
    if (hidden.length === 0) return;
    for (let k = 0; k < hidden.length; k++) {
      const { weights, bias, shift, units } = hidden[k]!;
      const sums = layers[k]!;
      sums.set(bias);
      addRows(sums, weights, active, signed, count);
      count = 0;
      for (let u = 0; u < units; u++) {
        const h = sums[u]! >> shift;
        if (h <= 0) continue;
        active[count] = u;
        signed[count++] = Math.min(h, maxHidden);
      }
    }
    out.fill(0);
    addRows(out, mean.output, active, signed, count);
    for (let c = 0; c < channels; c++) means[c]! += out[c]! >> mean.outputShift;
    out.fill(0);
    addRows(out, scale.output, active, signed, count);
    for (let c = 0; c < channels; c++) scales[c]! += out[c]! >> scale.outputShift;
  }
}

/** Adds values[j] times row rows[j] of `weights` [., sums.length] to `sums`, for j < count. */
function addRows(
  sums: Int32Array,
  weights: Int16Array,
  rows: Int32Array,
  values: Int32Array,
  count: number,
): void {
  const n = sums.length;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const a = values[j]!;
    const b = values[j + 1]!;
    const c = values[j + 2]!;
    const d = values[j + 3]!;
    const ra = rows[j]! * n;
    const rb = rows[j + 1]! * n;
    const rc = rows[j + 2]! * n;
    const rd = rows[j + 3]! * n;
    for (let u = 0; u < n; u++) {
      const first = Math.imul(a, weights[ra + u]!) + Math.imul(b, weights[rb + u]!);
      const second = Math.imul(c, weights[rc + u]!) + Math.imul(d, weights[rd + u]!);
      sums[u] = (sums[u]! + first + second) | 0;
    }
  }
  for (; j < count; j++) {
    const a = values[j]!;
    const ra = rows[j]! * n;
    for (let u = 0; u < n; u++) sums[u] = (sums[u]! + Math.imul(a, weights[ra + u]!)) | 0;
  }
}
