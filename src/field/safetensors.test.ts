import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dtypeBytes, type Tensor, tensor } from '../core/tensor.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

test('a file written by the Python library reads as it was written', () => {
  const path = new URL('../../test/fixtures/python.safetensors', import.meta.url);
  const { tensors, metadata } = readSafetensors(readFileSync(path));
  expect(metadata).toEqual({ card: '{"name":"x"}', licence: 'Apache-2.0' });
  expect([...tensors.keys()].sort()).toEqual(
    ['double', 'empty', 'größe', 'scalar', 'signed', 'table', 'weights'].sort(),
  );
  expect(tensors.get('weights')).toEqual(tensor(Float32Array.of(-1, -0.6, -0.2, 0.2, 0.6, 1), [2, 3]));
  expect(tensors.get('double')).toEqual(tensor(Float64Array.of(Math.PI)));
  expect(tensors.get('table')).toEqual(tensor(Uint16Array.of(0, 1, 65535)));
  expect(tensors.get('signed')).toEqual(tensor(Int8Array.of(-128, 127, 0)));
  expect(tensors.get('scalar')).toEqual(tensor(Int32Array.of(-7), []));
  expect(tensors.get('empty')).toEqual(tensor(new Float32Array(0), [0, 4]));
});

const anyTensor: fc.Arbitrary<Tensor> = fc.oneof(
  fc.float32Array({ maxLength: 9 }).map((data) => tensor(data)),
  fc.float64Array({ maxLength: 9 }).map((data) => tensor(data, [1, data.length])),
  fc.int16Array({ maxLength: 9 }).map((data) => tensor(data)),
  fc.uint8Array({ maxLength: 9 }).map((data) => tensor(data, [data.length, 1, 1])),
  fc.uint32Array({ minLength: 1, maxLength: 1 }).map((data) => tensor(data, [])),
);

test('what is written reads back, aligned and in any order of insertion the same bytes', () => {
  const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(names, anyTensor), { selector: ([name]) => name }),
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
      (entries, metadata) => {
        const bytes = writeSafetensors(new Map(entries), metadata);
        const back = readSafetensors(bytes);
        expect(back.tensors).toEqual(new Map(entries));
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect(writeSafetensors(new Map(entries.toReversed()), metadata)).toEqual(bytes);
      },
    ),
  );
});

test('data start on a multiple of 8 and every tensor on a multiple of its element', () => {
  const tensors = new Map([
    ['a', tensor(Uint8Array.of(1, 2, 3))],
    ['b', tensor(Float32Array.of(1))],
    ['c', tensor(Float64Array.of(2))],
  ]);
  const bytes = writeSafetensors(tensors, { k: 'v' });
  const headerBytes = new DataView(bytes.buffer).getUint32(0, true);
  expect(headerBytes % 8).toBe(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
  for (const [name, { dtype, data_offsets }] of Object.entries<{ dtype: 'F32'; data_offsets: number[] }>(
    header,
  )) {
    if (name !== '__metadata__') expect(data_offsets[0]! % dtypeBytes[dtype]).toBe(0);
  }
});

test('tensors that are read share nothing with the file', () => {
  const bytes = writeSafetensors(new Map([['a', tensor(Uint8Array.of(1, 2))]]));
  const { tensors } = readSafetensors(bytes);
  bytes.fill(0);
  expect(tensors.get('a')!.data).toEqual(Uint8Array.of(1, 2));
});

test('names that the format cannot carry are refused in writing', () => {
  const one = tensor(Uint8Array.of(1));
  const refused = expect.objectContaining({ code: 'safetensors-name' });
  expect(() => writeSafetensors(new Map([['__metadata__', one]]))).toThrow(refused);
  expect(() => writeSafetensors(new Map([['\ud800', one]]))).toThrow(refused);
});
