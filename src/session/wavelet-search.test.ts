import { expect, it } from 'vitest';
import { leastWavelets } from './wavelet-search.ts';

/** A signal whose error halves with six qualities, and bytes grow by a tenth with each. */
function signal(most = Number.POSITIVE_INFINITY) {
  const asked: number[] = [];
  const code = (quality: number) => {
    asked.push(quality);
    const bytes = 10 * 1.1 ** quality;
    return bytes > most ? undefined : { quality, bytes, mse: 2 ** (-quality / 6) };
  };
  return { asked, code };
}

it.each([1, 0.1, 1e-3, 1e-9, 0])(
  'the least error that serves is found with few that are coded: %d',
  (mse) => {
    const { asked, code } = signal();
    const found = leastWavelets(code, mse, (one) => (one.mse <= mse ? one.bytes : Number.POSITIVE_INFINITY));
    const exact = mse === 0 ? 96 : Math.max(1, Math.ceil(-6 * Math.log2(mse)));
    expect(found?.quality).toBe(exact > 95 ? undefined : exact);
    expect(new Set(asked).size).toBeLessThan(20);
  },
);

it('the least trade is found from either side, and nothing where all are too long', () => {
  for (const mse of [0.5, 1e-4]) {
    const { code } = signal();
    const found = leastWavelets(code, mse, ({ bytes, mse }) => bytes + 1e5 * mse);
    const best = Array.from({ length: 95 }, (_, i) => code(i + 1)!).reduce((a, b) =>
      b.bytes + 1e5 * b.mse < a.bytes + 1e5 * a.mse ? b : a,
    );
    expect(Math.abs(found!.quality - best.quality)).toBeLessThanOrEqual(2);
  }
  expect(leastWavelets(signal(5).code, 0.1, ({ bytes }) => bytes)).toBeUndefined();
});

it('of a signal without error the coarsest that has none is found', () => {
  const asked: number[] = [];
  const code = (quality: number) => {
    asked.push(quality);
    return { quality, mse: quality < 37 ? 1 : 0 };
  };
  const found = leastWavelets(code, 0, (one) => (one.mse === 0 ? one.quality : Number.POSITIVE_INFINITY));
  expect(found?.quality).toBe(37);
  expect(asked.every(Number.isInteger)).toBe(true);
  expect(new Set(asked).size).toBeLessThan(20);
});
