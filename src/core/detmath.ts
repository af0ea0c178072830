/**
 * Elementary functions that give the same bits on every machine: only + - * / on doubles in a fixed order,
 * Math.floor and Math.sqrt, all of which IEEE 754 defines exactly. `Math.exp` and its kin may differ in the last bit
 * from one JavaScript engine to another, and one bit is enough to put an entropy decoder out of step.
 * Errors against the true value stay within 2 units in the last place over the ranges tested.
 */

// ln 2 in two parts: the high one has 20 trailing zero bits, so k * ln2High is exact for |k| < 2^20.
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** e^x: 0 below -745.2, Infinity above 709.8. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY;
  if (x < -745.1332191019411) return 0;
  const k = Math.floor(x * Math.LOG2E + 0.5);
  const high = x - k * ln2High;
  const low = k * ln2Low;
  return scaleByPowerOfTwo(expNearZero(high - low), k);
}

/** 2^x; exact when x is an integer. */
export function exp2(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x >= 1024) return Number.POSITIVE_INFINITY;
  if (x < -1075) return 0;
  const k = Math.floor(x + 0.5);
  const r = x - k;
  return scaleByPowerOfTwo(expNearZero(r * ln2High + r * ln2Low), k);
}

/** Natural logarithm; -Infinity at 0, NaN below. */
export function log(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return logAtEdges(x);
  const { mantissa, exponent } = split(x);
  const rest = logNearOne(mantissa);
  return exponent * ln2High + (rest + exponent * ln2Low);
}

/** Logarithm to base 2; exact at powers of two. */
export function log2(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return logAtEdges(x);
  const { mantissa, exponent } = split(x);
  return exponent + logNearOne(mantissa) * Math.LOG2E;
}

/** Cumulative distribution of the standard logistic, 1 / (1 + e^-x), exact to the relative precision of `exp` in the lower tail. */
export function logistic(x: number): number {
  if (x < 0) {
    const e = exp(x);
    return e / (1 + e);
  }
  return 1 / (1 + exp(-x));
}

/** Hyperbolic tangent. */
export function tanh(x: number): number {
  if (x < 0) return -tanh(-x);
  if (x < 0.25) {
    // (e^2x - 1) / (e^2x + 1) with e^2x - 1 from its own series, which does not cancel.
    const m = expm1NearZero(2 * x);
    return m / (m + 2);
  }
  return 1 - 2 / (exp(2 * x) + 1);
}

/** Sine of 2 pi x: the argument is in turns, so the reduction is exact. */
export function sin2pi(x: number): number {
  return quarterTurns(x, 0);
}

/** Cosine of 2 pi x. */
export function cos2pi(x: number): number {
  return quarterTurns(x, 1);
}

const inverseFactorials = (() => {
  const list = [1];
  for (let n = 1; n < 24; n++) list.push(list[n - 1]! * n);
  return Float64Array.from(list, (f) => 1 / f);
})();

/** e^r for |r| <= ln(2) / 2 by Taylor's series: the first term left out is below 5e-18. */
function expNearZero(r: number): number {
  return 1 + expm1NearZero(r);
}

function expm1NearZero(r: number): number {
  let sum = inverseFactorials[15]!;
  for (let n = 14; n >= 1; n--) sum = sum * r + inverseFactorials[n]!;
  return sum * r;
}

/** log m for m in [sqrt(1/2), sqrt(2)): 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172. */
function logNearOne(m: number): number {
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum = 0;
  for (let n = 25; n >= 3; n -= 2) sum = (sum + 1 / n) * z;
  return 2 * (s + s * sum);
}

function logAtEdges(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  return x > 0 ? x : Number.NaN;
}

/** x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)): multiplications by powers of two are exact. */
function split(x: number): { mantissa: number; exponent: number } {
  let mantissa = x;
  let exponent = 0;
  if (mantissa >= 1) {
    for (let bit = 512; bit >= 1; bit /= 2) {
      if (mantissa >= powerOfTwo(bit)) {
        mantissa *= powerOfTwo(-bit);
        exponent += bit;
      }
    }
  } else {
    if (mantissa < powerOfTwo(-1022)) {
      mantissa *= powerOfTwo(54);
      exponent -= 54;
    }
    for (let bit = 512; bit >= 1; bit /= 2) {
      if (mantissa < powerOfTwo(1 - bit)) {
        mantissa *= powerOfTwo(bit);
        exponent -= bit;
      }
    }
  }
  if (mantissa >= Math.SQRT2) return { mantissa: mantissa / 2, exponent: exponent + 1 };
  if (mantissa < Math.SQRT1_2) return { mantissa: mantissa * 2, exponent: exponent - 1 };
  return { mantissa, exponent };
}

const powers = (() => {
  const table = new Float64Array(2098);
  table[1074] = 1;
  for (let k = 1; k <= 1023; k++) table[1074 + k] = table[1074 + k - 1]! * 2;
  for (let k = 1; k <= 1074; k++) table[1074 - k] = table[1074 - k + 1]! / 2;
  return table;
})();

/** 2^k for -1074 <= k <= 1023. */
function powerOfTwo(k: number): number {
  return powers[1074 + k]!;
}

function scaleByPowerOfTwo(x: number, k: number): number {
  if (k > 1023) return x * powerOfTwo(1023) * powerOfTwo(k - 1023);
  // The first product is normal and so exact: a subnormal result is rounded once.
  if (k < -1022) return x * powerOfTwo(k + 1022) * powerOfTwo(-1022);
  return x * powerOfTwo(k);
}

/** sin(2 pi (x + shift / 4)). */
function quarterTurns(x: number, shift: number): number {
  if (!Number.isFinite(x)) return Number.NaN;
  const turns = x - Math.floor(x);
  const quarter = Math.floor(turns * 4 + 0.5);
  const angle = (turns - quarter / 4) * 6.283185307179586; // in [-pi/4, pi/4]
  switch ((quarter + shift) & 3) {
    case 0:
      return sinSeries(angle);
    case 1:
      return cosSeries(angle);
    case 2:
      return -sinSeries(angle);
    default:
      return -cosSeries(angle);
  }
}

function sinSeries(a: number): number {
  const z = a * a;
  let sum = 0;
  for (let n = 17; n >= 3; n -= 2) sum = z * (((n & 2) === 0 ? 1 : -1) * inverseFactorials[n]! + sum);
  return a + a * sum;
}

function cosSeries(a: number): number {
  const z = a * a;
  let sum = 0;
  for (let n = 18; n >= 2; n -= 2) sum = z * (((n & 2) === 0 ? 1 : -1) * inverseFactorials[n]! + sum);
  return 1 + sum;
}
