import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FunctaError } from '../src/core/errors.ts';
import { readIdx, writeIdx } from './idx.ts';

const array = { shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

test('IDX is read as it was written, gzipped or not', () => {
  expect(readIdx(writeIdx(array))).toEqual(array);
  expect(readIdx(gzipSync(writeIdx(array)))).toEqual(array);
});

test('a header that asks for more than the limit is refused before anything is unpacked', () => {
  const header = Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255);
  expect(() => readIdx(header)).toThrow(expect.objectContaining({ code: 'limit-idx-bytes' }));
  const bomb = gzipSync(new Uint8Array(1 << 20));
  expect(() => readIdx(bomb, { maxBytes: 1000 })).toThrow(
    expect.objectContaining({ code: 'limit-idx-bytes' }),
  );
});

test('any bytes: an array, or a tagged error, never anything else', () => {
  const seeds = [writeIdx(array), new Uint8Array(gzipSync(writeIdx(array)))];
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
      fc.nat(60),
    )
    .map(([seed, edits, cut]) => {
      const bytes = seed.slice(0, seed.length - (cut % seed.length));
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      try {
        const { shape, data } = readIdx(bytes, { maxBytes: 1000 });
        expect(data.length).toBe(shape.reduce((product, n) => product * n, 1));
      } catch (error) {
        expect(error).toBeInstanceOf(FunctaError);
      }
    }),
    { numRuns: 2000 },
  );
});
