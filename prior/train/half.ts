/** Numbers of 16 bits (IEEE 754 binary16), in which the files of the generative priors hold their weights. */

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

/** Nearest halves, ties to even, as bit patterns; beyond 65504 the largest finite one. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, halfOf);
}

export function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

function halfOf(value: number): number {
  number[0] = Math.min(65504, Math.max(-65504, value));
  const sign = (bits[0]! >>> 16) & 0x8000;
  const size = Math.abs(number[0]!);
  // Below the smallest normal number the step is constant; above, rounding may carry into the exponent, as it should.
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  const exact = size / 2 ** exponent >= 2 ? exponent + 1 : size / 2 ** exponent < 1 ? exponent - 1 : exponent;
  return sign | (((exact + 14) << 10) + roundEven((size / 2 ** exact) * 1024));
}

function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}
