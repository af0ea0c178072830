/** Products of matrices by the dense kernels of the addon. */
import type { Multiply } from '../../core/eigen.ts';
import type { DenseAddon } from '../tfjs/backend-dense.ts';

export function multiplyOver(dense: Pick<DenseAddon, 'denseGemm'>): Multiply {
  return (a, b, { m, n, k, transposeA = false, transposeB = false }) => {
    const c = new Float32Array(m * n);
    const sizes = [1, m, n, k, 0, 0, Number(transposeA), Number(transposeB), 0, 0];
    dense.denseGemm(a, b, c, null, Float64Array.from(sizes));
    return c;
  };
}
