import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromFloat16, maxFloat16, toFloat16 } from './float16.ts';

test('every half float comes back as itself', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 0x7fff) <= 0x7c00);
  expect(toFloat16(fromFloat16(all))).toEqual(all);
});

test('known values are their halves', () => {
  const known: [value: number, half: number][] = [
    [1, 0x3c00],
    [-2, 0xc000],
    [maxFloat16, 0x7bff],
    [65520, 0x7c00],
    [65519.99, 0x7bff],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.0001 * 2 ** -25, 0x0001],
    [2 ** -14, 0x0400],
    [1 / 3, 0x3555],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
  ];
  for (const [value, half] of known) expect([value, toFloat16([value])[0]]).toEqual([value, half]);
  expect(fromFloat16(toFloat16([Number.NaN]))[0]).toBeNaN();
});

test('a value is at most half a unit of its last place away', () => {
  const finite = fc.float({ min: -maxFloat16, max: maxFloat16, noNaN: true });
  fc.assert(
    fc.property(finite, (value) => {
      const [found] = fromFloat16(toFloat16([value]));
      const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value) || 1e-9))) - 10);
      expect(Math.abs(found! - value)).toBeLessThanOrEqual(unit / 2);
    }),
  );
});
