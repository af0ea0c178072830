/** IEEE 754 binary16 in plain arithmetic: Node 20 and older browsers have no Float16Array. */

/** Largest finite value. */
export const maxFloat16 = 65504;

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

/** Half floats nearest to `values`, ties to even; beyond `maxFloat16` infinity. */
export function toFloat16(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from({ length: values.length }, (_, i) => roundToHalf(values[i]!));
}

export function fromFloat16(halves: ArrayLike<number>): Float32Array {
  table ??= allHalves();
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

/** The value of every half float; made when it is first needed. */
let table: Float32Array | undefined;

function allHalves(): Float32Array {
  const all = new Float32Array(2 ** 16);
  for (let half = 0; half < all.length; half++) all[half] = ofHalf(half);
  return all;
}

function roundToHalf(value: number): number {
  number[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 127;
  const mantissa = word & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  if (exponent < -25) return sign;
  // Below 2^-14 a half has the fixed exponent of its least normal number, and the leading 1 is written out.
  const isNormal = exponent >= -14;
  const full = isNormal ? ((exponent + 15) << 23) | mantissa : 0x800000 | mantissa;
  const shift = isNormal ? 13 : -exponent - 1;
  const kept = full >>> shift;
  const rest = full & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const up = rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0;
  // A carry out of the mantissa is the next exponent, and out of the last one infinity.
  return sign | Math.min(kept + up, 0x7c00);
}

function ofHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
