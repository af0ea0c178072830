/** The fastest matrix product here. */

import { type Multiply, plainMultiply } from '../../core/eigen.ts';
import { multiplyOver } from '../native/multiply.ts';
import { loadDense } from './backend-dense.ts';

/** The native addon's, else plain TypeScript's. */
export function openMultiply(threads: number): Multiply {
  try {
    const dense = loadDense();
    dense.denseThreads(threads);
    return multiplyOver(dense);
  } catch {
    return plainMultiply;
  }
}
