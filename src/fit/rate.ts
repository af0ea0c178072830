/**
 * The rate of a modulation while the network is learnt: a zero-mean logistic for each channel, of learnt scale s,
 * integrated over a quantiser step d (Balle et al., arXiv 1611.01704, section 3, with a parametric density).
 *
 *   P(x) = F((x + d/2) / s) - F((x - d/2) / s) = sinh h / (cosh a + cosh h),      a = |x| / s,  h = d / (2 s)
 *   nats(x) = a + ln(1 + 2 E cosh h + E^2) - ln 2 - ln sinh h,                    E = exp(-a) in (0, 1]
 *
 * No term overflows or cancels for any a; beyond h = 30 the hyperbolic functions are exp(h) / 2 in a double, and
 * exp(h - a) takes their place. All in float64.
 *
 *   d nats / da = (1 - E^2) / N      d nats / dh = 2 E sinh h / N - coth h        N = 1 + 2 E cosh h + E^2
 *
 * Indices of hot loops are below the lengths that the callers checked.
 */
import { octavesAt } from '../field/at-quality.ts';
import { forEachLevel, type ModulationLayout } from '../field/layout.ts';

const LARGE = 30;

/** -ln of the probability that quantising to multiples of `step` gives `x`, for a logistic of `scale`. */
export function logisticNats(x: number, step: number, scale: number): number {
  const a = Math.abs(x) / scale;
  const h = step / (2 * scale);
  if (h > LARGE) return Math.max(0, a - h) + Math.log1p(Math.exp(-Math.abs(a - h)));
  const e = Math.exp(-a);
  return a + Math.log1p(2 * e * Math.cosh(h) + e * e) - Math.LN2 - Math.log(Math.sinh(h));
}

/** Where `LogisticRate.measure` puts gradients; everything is added except `modulations`, which is overwritten. */
export interface RateGradient {
  /** [count, m]: d (weight * nats) / dx. */
  readonly modulations: Float32Array;
  /** [channels]: d (weight * nats) / d ln s. */
  readonly logScales: Float64Array;
  /** [channels]: d (weight * nats) / d ln step at fixed x; what moves x with the step is the caller's. */
  readonly logSteps: Float64Array;
  readonly weight: number;
}

/** The rate of batches of one layout; keeps scratch arrays, so that a call allocates nothing. */
export class LogisticRate {
  readonly #layout: ModulationLayout;
  readonly #inverseScale: Float64Array;
  readonly #h: Float64Array;
  readonly #twoCosh: Float64Array;
  readonly #twoSinh: Float64Array;
  readonly #coth: Float64Array;
  readonly #constant: Float64Array;
  readonly #sumScale: Float64Array;
  readonly #sumStep: Float64Array;

  constructor(layout: ModulationLayout) {
    this.#layout = layout;
    const table = () => new Float64Array(layout.channels);
    this.#inverseScale = table();
    this.#h = table();
    this.#twoCosh = table();
    this.#twoSinh = table();
    this.#coth = table();
    this.#constant = table();
    this.#sumScale = table();
    this.#sumStep = table();
  }

  /**
   * Nats of `modulations` [count, m] for steps `multiplier * exp(logSteps)` and scales `exp(logScales)` [channels].
   * With `gradient`, also the derivatives of `gradient.weight * nats`.
   */
  measure(
    modulations: Float32Array,
    logSteps: Float64Array,
    logScales: Float64Array,
    multiplier: number,
    gradient?: RateGradient,
  ): number {
    this.#prepare(logSteps, logScales, multiplier);
    const out = gradient?.modulations;
    const weight = gradient?.weight ?? 0;
    const sumScale = this.#sumScale.fill(0);
    const sumStep = this.#sumStep.fill(0);
    const inverseScale = this.#inverseScale;
    const hs = this.#h;
    const twoCosh = this.#twoCosh;
    const twoSinh = this.#twoSinh;
    const coth = this.#coth;
    const constant = this.#constant;
    let nats = 0;
    forEachLevel(this.#layout, modulations, (from, to, { channels, first }) => {
      const end = first + channels;
      for (let i = from, c = first; i < to; i++) {
        const x = modulations[i]!;
        const inverse = inverseScale[c]!;
        const a = Math.abs(x) * inverse;
        const h = hs[c]!;
        let byA: number;
        let byH: number;
        if (h > LARGE) {
          // ln P = -ln(1 + exp(a - h)) up to exp(-30), and the same for its derivatives.
          const e = Math.exp(-Math.abs(a - h));
          nats += Math.max(0, a - h) + Math.log1p(e);
          byA = (a > h ? 1 : e) / (1 + e);
          byH = -byA;
        } else {
          const e = Math.exp(-a);
          const tail = e * twoCosh[c]! + e * e;
          nats += a + Math.log(1 + tail) + constant[c]!;
          const over = 1 / (1 + tail);
          byA = (1 - e * e) * over;
          byH = e * twoSinh[c]! * over - coth[c]!;
        }
        if (out !== undefined) {
          const byX = byA * inverse * weight;
          out[i] = x < 0 ? -byX : byX;
          const stepPart = h * byH;
          sumStep[c]! += stepPart;
          sumScale[c]! -= a * byA + stepPart;
        }
        if (++c === end) c = first;
      }
    });
    if (gradient !== undefined) {
      for (let c = 0; c < sumStep.length; c++) {
        gradient.logSteps[c]! += weight * sumStep[c]!;
        gradient.logScales[c]! += weight * sumScale[c]!;
      }
    }
    return nats;
  }

  /**
   * Adds the derivatives of `weight * nats` by `modulations` [count, m] to `out` [count, m], which needs no logarithms. `tails` [count, m]: those of
   * `tailsOf` for the same modulations and scales, which are the same at any steps.
   */
  addSlopes(
    modulations: Float32Array,
    tails: Float64Array,
    { logSteps, logScales, weight }: { logSteps: Float64Array; logScales: Float64Array; weight: number },
    out: Float32Array,
  ): void {
    this.#prepare(logSteps, logScales, 1);
    const inverseScale = this.#inverseScale;
    const hs = this.#h;
    const twoCosh = this.#twoCosh;
    forEachLevel(this.#layout, modulations, (from, to, { channels, first }) => {
      const end = first + channels;
      for (let i = from, c = first; i < to; i++) {
        const x = modulations[i]!;
        const inverse = inverseScale[c]!;
        const h = hs[c]!;
        const e = tails[i]!;
        let byA = (1 - e * e) / (1 + e * twoCosh[c]! + e * e);
        if (h > LARGE) {
          const a = Math.abs(x) * inverse;
          const beyond = Math.exp(-Math.abs(a - h));
          byA = (a > h ? 1 : beyond) / (1 + beyond);
        }
        const byX = byA * inverse * weight;
        out[i]! += x < 0 ? -byX : byX;
        if (++c === end) c = first;
      }
    });
  }

  #prepare(logSteps: Float64Array, logScales: Float64Array, multiplier: number): void {
    for (let c = 0; c < logSteps.length; c++) {
      const inverse = Math.exp(-logScales[c]!);
      const h = 0.5 * multiplier * Math.exp(logSteps[c]!) * inverse;
      const sinh = Math.sinh(Math.min(h, LARGE));
      const cosh = Math.cosh(Math.min(h, LARGE));
      this.#inverseScale[c] = inverse;
      this.#h[c] = h;
      this.#twoCosh[c] = 2 * cosh;
      this.#twoSinh[c] = 2 * sinh;
      this.#coth[c] = cosh / sinh;
      this.#constant[c] = -Math.log(2 * sinh);
    }
  }
}

/** [count, m]: exp(-|x| / s) of `modulations` [count, m] for scales s [channels]. */
export function tailsOf(
  layout: ModulationLayout,
  modulations: Float32Array,
  scales: ArrayLike<number>,
): Float64Array {
  const tails = new Float64Array(modulations.length);
  const inverse = Float64Array.from(scales, (scale) => 1 / scale);
  forEachLevel(layout, modulations, (from, to, { channels, first }) => {
    const end = first + channels;
    for (let i = from, c = first; i < to; i++) {
      tails[i] = Math.exp(-Math.abs(modulations[i]!) * inverse[c]!);
      if (++c === end) c = first;
    }
  });
  return tails;
}

/** Steps of quality q are this times those of quality 50, to float precision: 2^((50 - q) / 10). */
export function multiplierAt(quality: number): number {
  return 2 ** -octavesAt(quality);
}

/** Into `out` [count, m]: symbols times the steps [channels] of their channels. */
export function dequantiseByChannel(
  layout: ModulationLayout,
  symbols: Int32Array,
  steps: ArrayLike<number>,
  out: Float32Array,
): void {
  forEachSymbol(layout, symbols.length, steps, (i, step) => {
    out[i] = symbols[i]! * step;
  });
}

/**
 * Into `out` [count, m]: what rounding to multiples of `multiplier * exp(logSteps)` adds to `modulations`.
 * Ties go up, as in the quantiser.
 */
export function roundingOffsets(
  layout: ModulationLayout,
  modulations: Float32Array,
  logSteps: Float64Array,
  multiplier: number,
  out: Float32Array,
): void {
  forEachSymbol(layout, modulations.length, stepsOf(logSteps, multiplier), (i, step) => {
    const x = modulations[i]!;
    out[i] = Math.floor(x / step + 0.5) * step - x;
  });
}

/** Into `out` [count, m]: uniform noise of the width of the step; `uniform` gives numbers in [0, 1). */
export function noiseOffsets(
  layout: ModulationLayout,
  count: number,
  logSteps: Float64Array,
  multiplier: number,
  uniform: () => number,
  out: Float32Array,
): void {
  forEachSymbol(layout, count * layout.length, stepsOf(logSteps, multiplier), (i, step) => {
    out[i] = (uniform() - 0.5) * step;
  });
}

/** Adds to `out` [channels] the sum over symbols of `a * b`, both [count, m]. */
export function addChannelDots(
  layout: ModulationLayout,
  a: Float32Array,
  b: Float32Array,
  out: Float64Array,
): void {
  forEachLevel(layout, a, (from, to, { channels, first }) => {
    for (let i = from, c = 0; i < to; i++) {
      out[first + c]! += a[i]! * b[i]!;
      if (++c === channels) c = 0;
    }
  });
}

function forEachSymbol(
  layout: ModulationLayout,
  total: number,
  steps: ArrayLike<number>,
  visit: (index: number, step: number) => void,
): void {
  forEachLevel(layout, { length: total }, (from, to, { channels, first }) => {
    for (let i = from, c = 0; i < to; i++) {
      visit(i, steps[first + c]!);
      if (++c === channels) c = 0;
    }
  });
}

function stepsOf(logSteps: Float64Array, multiplier: number): Float64Array {
  return logSteps.map((s) => multiplier * Math.exp(s));
}
