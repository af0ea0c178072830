/**
 * Exact derivatives of a field, in float64: of its values by the channels interpolated at a point, and of its values by the
 * coordinates. Analytic, by the chain rule through the equations of `src/field/spec.ts`; nothing is differenced.
 */

import { features, periodOf } from './coordinates.ts';
import { forward, type Network64, type Site, siteAt, type Trace } from './field64.ts';
import { type FieldSpec, featureCount } from './spec.ts';
import { channelTaps, gather } from './taps.ts';

/** What of a signal is fixed at a point, and how it changes with the coordinates. */
export interface SiteSlopes {
  readonly site: Site;
  /** Of each axis: derivatives of the coordinate features and of the weights of the taps. */
  readonly slopes: readonly Site[];
}

/** The place of `x` [axes], in signal units, of signals of `shape`. */
export function placeAt(spec: FieldSpec, shape: readonly number[], x: ArrayLike<number>): SiteSlopes {
  const slopes = shape.map((_, axis) => ({
    features: featureSlopes(spec, shape, x, axis),
    taps: channelTaps(spec, shape, x, axis),
  }));
  return { site: siteAt(spec, shape, x), slopes };
}

/** Field values [outputs] of `phi` and their derivatives [outputs, axes] by the coordinates, in field units. */
export function valueAndSlope(
  net: Network64,
  { site, slopes }: SiteSlopes,
  phi: Float64Array,
): { values: Float64Array; slope: Float64Array } {
  const { spec, layout, weights } = net;
  const trace = forward(net, site, phi);
  const slope = new Float64Array(spec.outputs * slopes.length);
  slopes.forEach((along, axis) => {
    const du = new Float64Array(trace.u.length);
    gather(along.taps, phi, du);
    let dh: Float64Array = along.features;
    for (let l = 0; l < spec.layers; l++) {
      const dz = new Float64Array(spec.width);
      addColumnProducts(dz, weights, layout.w[l]!.at, spec.width, dh);
      addColumnProducts(dz, weights, layout.m + l * spec.width, layout.mColumns, du);
      const cosine = trace.cosine[l]!;
      dh = dz.map((d, j) => spec.w0 * cosine[j]! * d);
    }
    const df = new Float64Array(spec.outputs);
    addColumnProducts(df, weights, layout.wo, spec.outputs, dh);
    addColumnProducts(df, weights, layout.m + spec.layers * spec.width, layout.mColumns, du);
    df.forEach((d, o) => {
      slope[o * slopes.length + axis] = d;
    });
  });
  return { values: trace.f, slope };
}

/** df/du, [outputs, channels]: how the values at a point answer to the channels interpolated there. */
export function channelGradient(net: Network64, trace: Trace): Float64Array {
  const { spec, layout, weights } = net;
  const { width, layers, w0, outputs } = spec;
  const channels = trace.u.length;
  const all = new Float64Array(outputs * channels);
  for (let o = 0; o < outputs; o++) {
    const du = all.subarray(o * channels, (o + 1) * channels);
    const direct = layout.m + layers * width + o;
    for (let c = 0; c < channels; c++) du[c] = weights[direct + c * layout.mColumns]!;
    let dh = Float64Array.from({ length: width }, (_, i) => weights[layout.wo + i * outputs + o]!);
    for (let l = layers - 1; l >= 0; l--) {
      const cosine = trace.cosine[l]!;
      const dz = dh.map((d, j) => w0 * cosine[j]! * d);
      addRowProducts(du, weights, layout.m + l * width, layout.mColumns, dz);
      if (l === 0) break;
      dh = new Float64Array(width);
      addRowProducts(dh, weights, layout.w[l]!.at, width, dz);
    }
  }
  return all;
}

function featureSlopes(
  spec: FieldSpec,
  shape: readonly number[],
  x: ArrayLike<number>,
  axis: number,
): Float64Array {
  const own = features(spec, shape, x);
  const out = new Float64Array(featureCount(spec));
  const period = periodOf(spec, shape)[axis]!;
  let at = axis;
  if (spec.features.global) {
    out[at] = 2 / shape[axis]!;
    at += spec.axes;
  }
  if (spec.features.local) {
    out[at] = 2 / period;
    at += spec.axes;
  }
  at += axis;
  for (let j = 1; j <= spec.features.harmonics; j++, at += 2 * spec.axes) {
    const rate = (2 * Math.PI * j) / period;
    // A harmonic that samples cannot tell from a lower one is 0 everywhere, and so is its slope.
    const wave = period / j;
    const r = x[axis]! / period - Math.floor(x[axis]! / period);
    if (wave >= 2) out[at] = rate * Math.cos(2 * Math.PI * j * r);
    if (wave > 2) out[at + 1] = -rate * own[at]!;
  }
  return out;
}

/** x[i] += sum_j A[i, j] y[j], A at `at` with `stride` numbers a row. */
function addRowProducts(x: Float64Array, a: Float64Array, at: number, stride: number, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) {
    let sum = 0;
    for (let j = 0, k = at + i * stride; j < y.length; j++, k++) sum += a[k]! * y[j]!;
    x[i]! += sum;
  }
}

/** y[j] += sum_i x[i] A[i, j]. */
function addColumnProducts(
  y: Float64Array,
  a: Float64Array,
  at: number,
  stride: number,
  x: Float64Array,
): void {
  for (let i = 0; i < x.length; i++) {
    const xi = x[i]!;
    for (let j = 0, k = at + i * stride; j < y.length; j++, k++) y[j]! += xi * a[k]!;
  }
}
