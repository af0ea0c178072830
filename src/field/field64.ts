/**
 * The field and its derivatives at one point, in float64, written to be read against the equations of spec.ts.
 * Products of matrix and vector are plain loops; nothing is shared between points.
 *
 * `backward` is reverse mode: given df it adds dtheta and dphi. `tangentForward` and `tangentBackward` apply the
 * R-operator (Pearlmutter 1994): the derivative of the two passes along phi + e * direction at e = 0, weights held.
 */
import { features } from './coordinates.ts';
import { type FieldSpec, type WeightLayout, weightLayout } from './spec.ts';
import { type ChannelTap, channelTaps, gather, spread } from './taps.ts';

/** A base network with float64 weights; `rates` are per channel. */
export interface Network64 {
  readonly spec: FieldSpec;
  readonly layout: WeightLayout;
  readonly weights: Float64Array;
  readonly rates: Float64Array;
}

/** What of a signal is fixed at a point: features h_0, and which floats of phi make up u. */
export interface Site {
  readonly features: Float64Array;
  readonly taps: readonly ChannelTap[];
}

/** All intermediate values of one evaluation. */
export interface Trace {
  /** Interpolated modulation [channels]. */
  readonly u: Float64Array;
  /** h_0 .. h_L. */
  readonly h: readonly Float64Array[];
  /** cos(w0 z_l) for l = 1..L, z_l the pre-activation; h_l is the sine. */
  readonly cosine: readonly Float64Array[];
  /** Field values [outputs]. */
  readonly f: Float64Array;
}

/** Derivatives of a trace along a direction of phi; `z` holds those of the pre-activations. */
export interface Tangent {
  readonly u: Float64Array;
  readonly h: readonly Float64Array[];
  readonly z: readonly Float64Array[];
  readonly f: Float64Array;
}

export interface Gradient64 {
  readonly weights: Float64Array;
  readonly modulation: Float64Array;
}

export function network64(net: {
  spec: FieldSpec;
  weights: ArrayLike<number>;
  rates: ArrayLike<number>;
}): Network64 {
  return {
    spec: net.spec,
    layout: weightLayout(net.spec),
    weights: Float64Array.from(net.weights),
    rates: Float64Array.from(net.rates),
  };
}

export function siteAt(spec: FieldSpec, shape: readonly number[], x: ArrayLike<number>): Site {
  return { features: features(spec, shape, x), taps: channelTaps(spec, shape, x) };
}

export function forward(net: Network64, site: Site, phi: Float64Array): Trace {
  const { spec, layout, weights } = net;
  const u = interpolate(net, site, phi);
  const h = [site.features];
  const cosine: Float64Array[] = [];
  for (let l = 0; l < spec.layers; l++) {
    const z = weights.slice(layout.b[l]!, layout.b[l]! + spec.width);
    addProduct(z, h[l]!, weights, layout.w[l]!.at, spec.width);
    addProduct(z, u, weights, layout.m + l * spec.width, layout.mColumns);
    h.push(z.map((v) => Math.sin(spec.w0 * v)));
    cosine.push(z.map((v) => Math.cos(spec.w0 * v)));
  }
  const f = weights.slice(layout.bo, layout.bo + spec.outputs);
  addProduct(f, h[spec.layers]!, weights, layout.wo, spec.outputs);
  addProduct(f, u, weights, layout.m + spec.layers * spec.width, layout.mColumns);
  return { u, h, cosine, f };
}

/** Adds to `into` the gradient of <df, f>. */
export function backward(net: Network64, site: Site, trace: Trace, df: Float64Array, into: Gradient64): void {
  const { spec, layout, weights } = net;
  const { width, layers, w0 } = spec;
  const mOut = layout.m + layers * width;
  const du = new Float64Array(trace.u.length);
  let dh = new Float64Array(width);
  addOuter(into.weights, layout.wo, spec.outputs, trace.h[layers]!, df);
  addTo(into.weights, layout.bo, df);
  addOuter(into.weights, mOut, layout.mColumns, trace.u, df);
  addTransposed(dh, df, weights, layout.wo, spec.outputs);
  addTransposed(du, df, weights, mOut, layout.mColumns);
  for (let l = layers - 1; l >= 0; l--) {
    const { at, rows } = layout.w[l]!;
    const m = layout.m + l * width;
    const dz = dh.map((d, j) => w0 * trace.cosine[l]![j]! * d);
    addOuter(into.weights, at, width, trace.h[l]!, dz);
    addTo(into.weights, layout.b[l]!, dz);
    addOuter(into.weights, m, layout.mColumns, trace.u, dz);
    addTransposed(du, dz, weights, m, layout.mColumns);
    dh = new Float64Array(rows);
    addTransposed(dh, dz, weights, at, width);
  }
  spread(site.taps, du, into.modulation);
}

export function tangentForward(net: Network64, site: Site, trace: Trace, direction: Float64Array): Tangent {
  const { spec, layout, weights } = net;
  const u = interpolate(net, site, direction);
  const h = [new Float64Array(site.features.length)];
  const z: Float64Array[] = [];
  for (let l = 0; l < spec.layers; l++) {
    const rz = new Float64Array(spec.width);
    addProduct(rz, h[l]!, weights, layout.w[l]!.at, spec.width);
    addProduct(rz, u, weights, layout.m + l * spec.width, layout.mColumns);
    z.push(rz);
    h.push(rz.map((r, j) => spec.w0 * trace.cosine[l]![j]! * r));
  }
  const f = new Float64Array(spec.outputs);
  addProduct(f, h[spec.layers]!, weights, layout.wo, spec.outputs);
  addProduct(f, u, weights, layout.m + spec.layers * spec.width, layout.mColumns);
  return { u, h, z, f };
}

/** Adds to `into` the derivative of what `backward` adds, along the tangent; `rdf` is the derivative of `df`. */
export function tangentBackward(
  net: Network64,
  site: Site,
  trace: Trace,
  tangent: Tangent,
  df: Float64Array,
  rdf: Float64Array,
  into: Gradient64,
): void {
  const { spec, layout, weights } = net;
  const { width, layers, w0 } = spec;
  const mOut = layout.m + layers * width;
  const rdu = new Float64Array(trace.u.length);
  let dh = new Float64Array(width);
  let rdh = new Float64Array(width);
  addOuter(into.weights, layout.wo, spec.outputs, trace.h[layers]!, rdf);
  addOuter(into.weights, layout.wo, spec.outputs, tangent.h[layers]!, df);
  addTo(into.weights, layout.bo, rdf);
  addOuter(into.weights, mOut, layout.mColumns, trace.u, rdf);
  addOuter(into.weights, mOut, layout.mColumns, tangent.u, df);
  addTransposed(dh, df, weights, layout.wo, spec.outputs);
  addTransposed(rdh, rdf, weights, layout.wo, spec.outputs);
  addTransposed(rdu, rdf, weights, mOut, layout.mColumns);
  for (let l = layers - 1; l >= 0; l--) {
    const { at, rows } = layout.w[l]!;
    const m = layout.m + l * width;
    const cosine = trace.cosine[l]!;
    const sine = trace.h[l + 1]!;
    const rz = tangent.z[l]!;
    const dz = dh.map((d, j) => w0 * cosine[j]! * d);
    const rdz = rdh.map((rd, j) => w0 * cosine[j]! * rd - w0 * w0 * sine[j]! * rz[j]! * dh[j]!);
    addOuter(into.weights, at, width, trace.h[l]!, rdz);
    addOuter(into.weights, at, width, tangent.h[l]!, dz);
    addTo(into.weights, layout.b[l]!, rdz);
    addOuter(into.weights, m, layout.mColumns, trace.u, rdz);
    addOuter(into.weights, m, layout.mColumns, tangent.u, dz);
    addTransposed(rdu, rdz, weights, m, layout.mColumns);
    dh = new Float64Array(rows);
    rdh = new Float64Array(rows);
    addTransposed(dh, dz, weights, at, width);
    addTransposed(rdh, rdz, weights, at, width);
  }
  spread(site.taps, rdu, into.modulation);
}

function interpolate(net: Network64, site: Site, phi: Float64Array): Float64Array {
  const u = new Float64Array(net.spec.levels.reduce((sum, level) => sum + level.channels, 0));
  gather(site.taps, phi, u);
  return u;
}

/** y[j] += sum_i x[i] A[i, j], A at `at` with `stride` floats a row. */
function addProduct(y: Float64Array, x: Float64Array, a: Float64Array, at: number, stride: number): void {
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) y[j]! += x[i]! * a[at + i * stride + j]!;
  }
}

/** x[i] += sum_j A[i, j] y[j]. */
function addTransposed(x: Float64Array, y: Float64Array, a: Float64Array, at: number, stride: number): void {
  for (let i = 0; i < x.length; i++) {
    let sum = 0;
    for (let j = 0; j < y.length; j++) sum += a[at + i * stride + j]! * y[j]!;
    x[i]! += sum;
  }
}

/** A[i, j] += x[i] y[j]. */
function addOuter(a: Float64Array, at: number, stride: number, x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) a[at + i * stride + j]! += x[i]! * y[j]!;
  }
}

function addTo(a: Float64Array, at: number, y: Float64Array): void {
  for (let j = 0; j < y.length; j++) a[at + j]! += y[j]!;
}
