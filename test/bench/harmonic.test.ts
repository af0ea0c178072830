import { expect, test } from 'vitest';
import { harmonicFill } from '../../bench/generative/harmonic.ts';
import { Rng } from '../../src/core/rng.ts';

test('a plane is filled as it was, whatever is hidden of its inside', () => {
  const [height, width] = [9, 12];
  const values = Float32Array.from(
    { length: height * width },
    (_, p) => 2 + 3 * (p % width) - Math.floor(p / width),
  );
  const observed = Uint8Array.from(values, (_, p) => {
    const [y, x] = [Math.floor(p / width), p % width];
    return Number(y === 0 || x === 0 || y === height - 1 || x === width - 1);
  });
  const holes = values.map((v, p) => (observed[p] === 1 ? v : Number.NaN));
  const filled = harmonicFill(holes, [height, width], 1, observed);
  filled.forEach((v, p) => {
    expect(v).toBeCloseTo(values[p]!, 4);
  });
});

test('every hidden value is the mean of its neighbours, and known ones stay, in each channel', () => {
  const shape = [7, 8];
  const rng = new Rng(3);
  const values = Float32Array.from({ length: 56 * 2 }, () => rng.normal());
  const observed = Uint8Array.from({ length: 56 }, () => Number(rng.uniform() < 0.3));
  const filled = harmonicFill(values, shape, 2, observed);
  for (let p = 0; p < 56; p++) {
    const [y, x] = [Math.floor(p / 8), p % 8];
    const around = [y > 0 && p - 8, y < 6 && p + 8, x > 0 && p - 1, x < 7 && p + 1].filter(
      (q) => q !== false,
    );
    for (let c = 0; c < 2; c++) {
      const mean = around.reduce((sum, q) => sum + filled[q * 2 + c]!, 0) / around.length;
      const wanted = observed[p] === 1 ? values[p * 2 + c]! : mean;
      expect(filled[p * 2 + c]).toBeCloseTo(wanted, 4);
    }
  }
});

test('half of a signal is filled from its edge, and nothing known gives nothing', () => {
  const values = Float32Array.from([1, 2, 9, 9, 3, 4, 9, 9]);
  const filled = harmonicFill(values, [2, 4], 1, Uint8Array.from([1, 1, 0, 0, 1, 1, 0, 0]));
  for (const p of [2, 3]) expect(filled[p]).toBeGreaterThan(2);
  expect(filled[6]!).toBeLessThan(4);
  expect([...harmonicFill(Float32Array.from([5, 6]), [2], 1, Uint8Array.from([0, 0]))]).toEqual([0, 0]);
});
