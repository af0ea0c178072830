import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactSums } from './exact-sums.ts';

const numbers = fc.array(
  fc
    .tuple(fc.double({ noNaN: true, min: -1, max: 1 }), fc.integer({ min: -300, max: 300 }))
    .map(([x, e]) => x * 2 ** e),
  { maxLength: 40 },
);

/** In units of 2^-1500, which all of these are multiples of. */
function integerOf(x: number): bigint {
  if (x === 0) return 0n;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const word = bits.getBigUint64(0);
  const exponent = Number((word >> 52n) & 0x7ffn);
  const fraction = word & ((1n << 52n) - 1n);
  const size = exponent === 0 ? fraction : fraction | (1n << 52n);
  const shifted = size << BigInt((exponent === 0 ? 1 : exponent) - 1075 + 1500);
  return x < 0 ? -shifted : shifted;
}

test('a sum is the double nearest to what it is, in any order and in any parts', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 40 }), (terms, cut) => {
      const whole = new ExactSums(2);
      for (const term of terms) whole.add(1, term);
      const [first, second] = [new ExactSums(2), new ExactSums(2)];
      for (const term of terms.slice(cut).reverse()) first.add(1, term);
      for (const term of terms.slice(0, cut)) second.add(1, term);
      first.addBytes(second.toBytes());
      expect(first.valueAt(1)).toBe(whole.valueAt(1));
      expect(whole.valueAt(0)).toBe(0);
      const exact = terms.reduce((sum, term) => sum + integerOf(term), 0n);
      const off = (x: number) => {
        const difference = integerOf(x) - exact;
        return difference < 0n ? -difference : difference;
      };
      const found = whole.valueAt(1);
      const step = 2 ** (Math.floor(Math.log2(Math.abs(found) || 2 ** -400)) - 52);
      for (const other of [found - step, found + step]) expect(off(found) <= off(other)).toBe(true);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('products are added whole', () => {
  const sums = new ExactSums(1);
  const a = 1 + 2 ** -40;
  sums.addProduct(0, a, a);
  for (const term of [-1, -(2 ** -39)]) sums.add(0, term);
  expect(sums.valueAt(0)).toBe(2 ** -80);
});

test('a sum of what is not finite is not a number, whatever comes after', () => {
  const sums = new ExactSums(3);
  for (const [at, term] of [
    [0, Number.POSITIVE_INFINITY],
    [0, 1],
    [1, Number.MAX_VALUE],
    [1, Number.MAX_VALUE],
    [1, -1],
    [2, 5],
  ] as const)
    sums.add(at, term);
  expect([0, 1, 2].map((at) => sums.valueAt(at))).toEqual([Number.NaN, Number.NaN, 5]);
});
