import { expect, test } from 'vitest';
import { checkLimit } from './limits.ts';
import { allocate, dtypeBytes, dtypeOf, elementCount, takeTensor, tensor } from './tensor.ts';

test('a tensor knows its dtype, and refuses a shape of another size', () => {
  expect(tensor(new Int16Array(6), [2, 3])).toMatchObject({ dtype: 'I16', shape: [2, 3] });
  expect(tensor(new Float32Array(1), []).shape).toEqual([]);
  expect(() => tensor(new Int16Array(6), [2, 2])).toThrow(expect.objectContaining({ code: 'tensor-shape' }));
  expect(() => tensor(new Int16Array(6), [-2, -3])).toThrow(
    expect.objectContaining({ code: 'tensor-shape' }),
  );
  expect(elementCount([])).toBe(1);
});

test('every dtype allocates arrays of its own element size', () => {
  for (const dtype of Object.keys(dtypeBytes) as (keyof typeof dtypeBytes)[]) {
    const data = allocate(dtype, 3);
    expect(data.byteLength).toBe(3 * dtypeBytes[dtype]);
    expect(dtypeOf(data)).toBe(dtype);
  }
});

test('taking a tensor names what is wrong with it', () => {
  const tensors = new Map([['a', tensor(new Float32Array(4))]]);
  expect(takeTensor(tensors, 'a', 'F32', 4)).toHaveLength(4);
  expect(() => takeTensor(tensors, 'b', 'F32')).toThrow(expect.objectContaining({ code: 'tensor-missing' }));
  expect(() => takeTensor(tensors, 'a', 'F64')).toThrow(expect.objectContaining({ code: 'tensor-dtype' }));
  expect(() => takeTensor(tensors, 'a', 'F32', 5)).toThrow(expect.objectContaining({ code: 'tensor-shape' }));
});

test('a limit lets its own value through, and nothing above, NaN least of all', () => {
  checkLimit('samples', 10, 10, 'ask for less');
  const limited = expect.objectContaining({ code: 'limit-samples', asked: 11, allowed: 10 });
  expect(() => checkLimit('samples', 11, 10, 'ask for less')).toThrow(limited);
  expect(() => checkLimit('samples', Number.NaN, 10, 'ask for less')).toThrow('NaN asked');
});
