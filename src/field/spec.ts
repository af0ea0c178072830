/**
 * What a function is: a SIREN shared by a family of signals, shifted at every layer by a modulation, which is a
 * stack of latent grids (Functa, arXiv 2201.12204, section 3; COIN++, arXiv 2201.12904, section 3; the stack of
 * grids is ours).
 *
 *   u(x) = concat over levels k of interpolate(phi_k, x)
 *   h_0  = coordinate features of x
 *   h_l  = sin(w0 (W_l h_{l-1} + b_l + M_l u(x)))      l = 1..layers
 *   f(x) = W_o h_L + b_o + M_o u(x)
 *
 * Axes are in array order, the last one fastest: [height, width] for an image. Coordinates are in signal units
 * (samples): sample i of an axis stands at i + 0.5.
 */

/** What lies between the knots of a grid; `cubic` is cubic convolution (R. G. Keys, IEEE Transactions on Acoustics, Speech and Signal Processing 29(6), 1981) with a = -3/4. */
export type Interpolation = (typeof interpolations)[number];
export const interpolations = ['nearest', 'linear', 'cubic'] as const;

export interface GridLevel {
  /** Size of a cell along each axis in signal units; `null`: one cell for the whole signal. */
  readonly cell: readonly number[] | null;
  readonly channels: number;
  /** `linear` and `cubic` have their knots at cell centres; cells beyond the outermost are as these. */
  readonly interpolation: Interpolation;
}

export interface CoordinateFeatures {
  /** Position in the whole signal, scaled to [-1, 1]: for families of one size. */
  readonly global: boolean;
  /** Position in the period, scaled to [-1, 1]; jumps at its borders. */
  readonly local: boolean;
  /** sin and cos of 2 pi j (position in units of the period), j = 1..harmonics, as far as samples tell them apart: continuous everywhere. */
  readonly harmonics: number;
  /** Size of the period along each axis in signal units; absent: that of the finest cell. */
  readonly period?: readonly number[] | undefined;
}

export interface FieldSpec {
  readonly axes: number;
  /** Values of the field at a point: 3 for RGB. */
  readonly outputs: number;
  readonly width: number;
  readonly layers: number;
  readonly w0: number;
  readonly features: CoordinateFeatures;
  readonly levels: readonly GridLevel[];
  /** Whether the last axis is a circle, as longitudes are: its first cell follows its last. Absent: it is not. */
  readonly wraps?: boolean | undefined;
}

/** Cells of a level along each axis for a signal of this shape. */
export function gridCells(level: GridLevel, shape: readonly number[]): number[] {
  return shape.map((n, axis) => (level.cell === null ? 1 : Math.max(1, Math.ceil(n / level.cell[axis]!))));
}

/** Cells along an axis that make up the value of a level at a point. */
export function tapCount(level: GridLevel): number {
  return level.cell === null ? 1 : { nearest: 1, linear: 2, cubic: 4 }[level.interpolation];
}

/** Number of points of a shape. */
export function pointCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The position along each axis of the i-th point, last axis fastest. */
export function unravel(shape: readonly number[], i: number): number[] {
  const at = new Array<number>(shape.length);
  for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
    at[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return at;
}

/** Floats of a modulation for a signal of this shape: level by level, cell by cell (row-major), channel by channel. */
export function modulationLength(spec: FieldSpec, shape: readonly number[]): number {
  return spec.levels.reduce((sum, level) => sum + pointCount(gridCells(level, shape)) * level.channels, 0);
}

/** Channels of all levels together. */
export function totalChannels(spec: FieldSpec): number {
  return spec.levels.reduce((sum, level) => sum + level.channels, 0);
}

/** Number of coordinate features h_0, in the order: global per axis, local per axis, then for each harmonic and axis sin, cos. */
export function featureCount(spec: FieldSpec): number {
  const { global, local, harmonics } = spec.features;
  return spec.axes * (Number(global) + Number(local) + 2 * harmonics);
}

/** Shared weights in one flat vector, row-major: W_1 [features, width], b_1, W_2 [width, width], b_2, ..., W_o [width, outputs], b_o, M [channels, layers * width + outputs]. */
export interface WeightLayout {
  readonly w: readonly { readonly at: number; readonly rows: number }[];
  readonly b: readonly number[];
  readonly wo: number;
  readonly bo: number;
  readonly m: number;
  /** Columns of M: layers * width shifts, then the outputs. */
  readonly mColumns: number;
  readonly length: number;
}

export function weightLayout(spec: FieldSpec): WeightLayout {
  let at = 0;
  const take = (n: number) => {
    const here = at;
    at += n;
    return here;
  };
  const w: { at: number; rows: number }[] = [];
  const b: number[] = [];
  for (let l = 0; l < spec.layers; l++) {
    const rows = l === 0 ? featureCount(spec) : spec.width;
    w.push({ at: take(rows * spec.width), rows });
    b.push(take(spec.width));
  }
  const wo = take(spec.width * spec.outputs);
  const bo = take(spec.outputs);
  const mColumns = spec.layers * spec.width + spec.outputs;
  const m = take(totalChannels(spec) * mColumns);
  return { w, b, wo, bo, m, mColumns, length: at };
}

/** A base network: the part all signals of a family share. */
export interface BaseNetwork {
  readonly spec: FieldSpec;
  /** Flat, in the order of `weightLayout`. */
  readonly weights: Float32Array;
  /** [rows, channels]: inner learning rate of every channel, level by level (Meta-SGD, arXiv 1707.09835). Step k of the inner loop takes row k, steps beyond the last row take that one (MAML++, arXiv 1810.09502, section 4). */
  readonly rates: Float32Array;
}

/** Rows of inner rates of a network; 1 where it has no channels. */
export function rateRows({ spec, rates }: Pick<BaseNetwork, 'spec' | 'rates'>): number {
  const channels = totalChannels(spec);
  return channels === 0 ? 1 : rates.length / channels;
}

/** Length that rates of `given` numbers should have: theirs if they are whole rows, else that of one row. */
export function ratesLength(spec: FieldSpec, given: number): number {
  const channels = totalChannels(spec);
  return given > 0 && given % channels === 0 ? given : channels;
}

/** Where the rates [channels] of an inner step begin among those of a network. */
export function ratesAt(
  net: { readonly spec: FieldSpec; readonly rates: { readonly length: number } },
  step: number,
): number {
  const channels = totalChannels(net.spec);
  return Math.max(0, Math.min(step * channels, net.rates.length - channels));
}
