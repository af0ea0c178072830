/** IEEE 754 binary16, for weights that are stored in 16 bits. */

/** The nearest half-precision number, ties to even; beyond 65504 the nearest of its two ends. */
export function nearestHalf(value: number): number {
  const size = Math.abs(value);
  if (!(size > 0)) return value;
  // 11 significant bits; below 2^-14 the spacing stays 2^-24.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const scaled = size / unit;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  return Math.sign(value) * Math.min(65504, rounded * unit);
}
