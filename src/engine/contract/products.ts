/** Products of matrices, where an engine has its own, are those of plain TypeScript. */
import { describe, expect, it } from 'vitest';
import { plainMultiply } from '../../core/eigen.ts';
import type { Subject } from '../contract.ts';
import { randomFloats, uniformFrom } from '../testing.ts';
import { normError } from './measure.ts';

export function describeProducts(subject: Subject): void {
  describe('products of matrices', () => {
    it.each([
      [1, 1, 1],
      [5, 3, 7],
      [16, 160, 769],
      [33, 17, 65],
    ])('agree with plain ones: %i x %i over %i', (m, n, k) => {
      const { multiply } = subject.engine();
      if (multiply === undefined) return;
      const uniform = uniformFrom(m);
      const [a, b] = [randomFloats(m * k, 1, uniform), randomFloats(k * n, 1, uniform)];
      for (const transposeA of [false, true])
        for (const transposeB of [false, true]) {
          const sizes = { m, n, k, transposeA, transposeB };
          const found = multiply(a, b, sizes);
          expect(found).not.toBe(multiply(a, b, sizes));
          expect(normError(found, plainMultiply(a, b, sizes))).toBeLessThan(1e-5);
        }
    });
  });
}
