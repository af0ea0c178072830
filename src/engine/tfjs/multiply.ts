/** The fastest matrix product here. */

import { type Multiply, plainMultiply } from '../../core/eigen.ts';
import { loadDense } from './backend-dense.ts';

/** The native addon's, else plain TypeScript's. */
export function openMultiply(threads: number): Multiply {
  try {
    const dense = loadDense();
    dense.denseThreads(threads);
    return (a, b, { m, n, k, transposeA = false, transposeB = false }) => {
      const c = new Float32Array(m * n);
      const sizes = [1, m, n, k, 0, 0, Number(transposeA), Number(transposeB), 0, 0];
      dense.denseGemm(a, b, c, null, Float64Array.from(sizes));
      return c;
    };
  } catch {
    return plainMultiply;
  }
}
