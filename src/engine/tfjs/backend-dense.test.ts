import { describe, expect, test } from 'vitest';
import { binaryOps, type DenseAddon, loadDense, unaryOps } from './backend-dense.ts';

let dense: DenseAddon | undefined;
try {
  dense = loadDense();
} catch {
  // No addon on this machine.
}

const floats = (n: number) => new Float32Array(n).fill(1);
const list = (...numbers: number[]) => Float64Array.from(numbers);
const gone = () => {
  const values = floats(4);
  structuredClone(values.buffer, { transfer: [values.buffer] });
  return values;
};

describe.skipIf(!dense)(
  'a call of the addon that does not fit its arrays is refused, and touches nothing',
  () => {
    const add = binaryOps.indexOf('Add');
    const gemm = (a: number, b: number, c: number, ...sizes: number[]) =>
      dense!.denseGemm(floats(a), floats(b), floats(c), null, list(...sizes));
    const calls: Record<string, () => void> = {
      'a product larger than its matrices': () => gemm(3, 4, 4, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0),
      'a product larger than its result': () => gemm(4, 4, 3, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0),
      'a batch past the end': () => gemm(8, 4, 8, 3, 2, 2, 2, 4, 0, 0, 0, 0, 0),
      'negative sizes': () => gemm(4, 4, 4, -1, 2, 2, 2, 0, 0, 0, 0, 0, 0),
      'sizes beyond all numbers': () => gemm(4, 4, 4, 1e300, 2e300, 2, 2, 0, 0, 0, 0, 0, 0),
      'sizes whose product overflows': () => gemm(4, 4, 4, 2 ** 30, 2 ** 30, 2 ** 30, 1, 0, 0, 0, 0, 0, 0),
      'sizes that are no numbers': () => gemm(4, 4, 4, 1, Number.NaN, 2, 2, 0, 0, 0, 0, 0, 0),
      'a list that is too short': () => gemm(4, 4, 4, 1, 2, 2),
      'an activation that is none': () => gemm(4, 4, 4, 1, 2, 2, 2, 0, 0, 0, 0, unaryOps.length, 0),
      'an operation that is none': () => dense!.denseUnary(unaryOps.length, floats(3), floats(3), 0, 0),
      'a result that is too short': () => dense!.denseUnary(1, floats(3), floats(2), 0, 0),
      'a detached array': () => dense!.denseBinary(add, gone(), floats(4), floats(4), list(1, 4, 1, 1)),
      'a walk past the end': () => dense!.denseBinary(add, floats(4), floats(4), floats(4), list(1, 5, 1, 1)),
      'a walk of too many axes': () =>
        dense!.denseBinary(add, floats(4), floats(4), floats(4), list(9, 1, 1, 1)),
      'a copy that starts before the array': () =>
        dense!.denseCopy(floats(3), -1, floats(3), 0, list(1, 1, 1, 1)),
      'a copy that ends after it': () => dense!.denseCopy(floats(3), 0, floats(3), 1, list(1, 3, 1, 1)),
      'an index out of range': () =>
        dense!.denseGather(floats(4), Int32Array.of(4), floats(1), list(1, 1, 4, 1, 1)),
      'rows that do not divide': () => dense!.denseSoftmax(floats(5), floats(5), 2),
      'moments of another length': () =>
        dense!.denseAdam(floats(3), floats(3), floats(2), floats(3), list(1, 0, 0, 1, 1, 1)),
      'doubles for floats': () => dense!.denseUnary(1, new Float64Array(3) as never, floats(3), 0, 0),
      'no arguments': () => (dense!.denseUnary as () => void)(),
      'no threads': () => dense!.denseThreads(0),
    };
    test.each(Object.keys(calls))('%s', (name) => {
      expect(calls[name]!).toThrow(/^functa-dense: /);
    });
  },
);
