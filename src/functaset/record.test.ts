import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FunctaError } from '../core/errors.ts';
import { defaultLimits, withLimits } from '../core/limits.ts';
import { checkFunction, decodeRecord, encodeRecord, summariseRecord, viewRecord } from './record.ts';
import { testFunction } from './testing.ts';
import type { StoredFunction } from './types.ts';

const anyFunction: fc.Arbitrary<StoredFunction> = fc.record(
  {
    id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    label: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    ),
    shape: fc.array(fc.integer({ min: 1, max: 2 ** 20 }), { minLength: 1, maxLength: 8 }),
    psnrDb: fc.oneof(fc.double({ noNaN: true }), fc.constant(Infinity)),
    bits: fc.double({ min: 0, max: 1e12, noNaN: true }),
    modulation: fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 }),
    coded: fc.uint8Array({ maxLength: 40 }),
  },
  { requiredKeys: ['id', 'shape', 'psnrDb', 'bits', 'modulation', 'coded'] },
) as fc.Arbitrary<StoredFunction>;

test('a record gives back its function, whole, as a view and as a summary', () => {
  fc.assert(
    fc.property(anyFunction, (fn) => {
      const bytes = encodeRecord(fn);
      expect(decodeRecord(fn.id, bytes)).toEqual(fn);
      expect(viewRecord(fn.id, bytes)).toEqual(fn);
      const { modulation, coded, ...facts } = fn;
      const sizes = { modulationLength: modulation.length, codedBytes: coded.length };
      expect(summariseRecord(fn.id, bytes)).toEqual({ ...facts, ...sizes });
    }),
  );
});

test('a record reads the same at any place in memory', () => {
  const fn = testFunction(1);
  const bytes = encodeRecord(fn);
  for (let shift = 0; shift < 8; shift++) {
    const moved = new Uint8Array(bytes.length + shift).subarray(shift);
    moved.set(bytes);
    expect(viewRecord(fn.id, moved)).toEqual(fn);
    expect(decodeRecord(fn.id, moved)).toEqual(fn);
  }
});

test('a decoded function shares nothing with the record, a view does', () => {
  const fn = testFunction(1);
  const bytes = encodeRecord(fn);
  const copy = decodeRecord(fn.id, bytes);
  const view = viewRecord(fn.id, bytes);
  bytes.fill(0);
  expect(copy).toEqual(fn);
  expect(view.modulation[3]).toBe(0);
});

test('every flipped bit, every truncation, and another id are a fault of the checksum', () => {
  const fn = testFunction(1);
  const bytes = encodeRecord(fn);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeRecord(fn.id, flipped)).toThrow(expect.objectContaining({ code: 'record-checksum' }));
  }
  for (let n = 0; n < bytes.length; n++) {
    expect(() => decodeRecord(fn.id, bytes.subarray(0, n))).toThrow(FunctaError);
  }
  expect(() => decodeRecord('item-000002', bytes)).toThrow(/"item-000002".*stored/);
});

test('any bytes as a view or a summary: a function within them, or a tagged error', () => {
  const good = encodeRecord(testFunction(1));
  const edits = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(edits, (edits) => {
      const bytes = good.slice();
      for (const [at, byte] of edits) bytes[at] = byte;
      try {
        const { modulation, coded } = viewRecord('x', bytes);
        expect(modulation.byteLength + coded.length).toBeLessThan(bytes.length);
        summariseRecord('x', bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(FunctaError);
      }
    }),
    { numRuns: 5000 },
  );
});

const refused: [what: string, changes: Partial<StoredFunction>][] = [
  ['an empty id', { id: '' }],
  ['an id with a line break', { id: 'a\nb' }],
  ['an id above 255 bytes', { id: 'ü'.repeat(128) }],
  ['an id that is half a surrogate pair', { id: '\ud800' }],
  ['an empty label', { label: '' }],
  ['a label that is not a number', { label: Number.NaN }],
  ['a shape without axes', { shape: [] }],
  ['a shape of zero', { shape: [4, 0] }],
  ['nine axes', { shape: Array(9).fill(1) }],
  ['a PSNR that is not a number', { psnrDb: Number.NaN }],
  ['bits below zero', { bits: -1 }],
  ['infinite bits', { bits: Infinity }],
  ['a NaN in the modulation', { modulation: Float32Array.of(0, Number.NaN) }],
  ['an infinity in the modulation', { modulation: Float32Array.of(Infinity) }],
];

test.each(refused)('%s is not stored', (_what, changes) => {
  const bad = expect.objectContaining({ code: 'bad-function' });
  expect(() => checkFunction(testFunction(1, changes), defaultLimits)).toThrow(bad);
});

test('a function above the limits is not stored', () => {
  checkFunction(testFunction(1), withLimits({ maxSymbols: 20, maxFileBytes: 6 }));
  const over = (code: string) => expect.objectContaining({ code });
  expect(() => checkFunction(testFunction(1), withLimits({ maxSymbols: 19 }))).toThrow(over('limit-symbols'));
  expect(() => checkFunction(testFunction(1), withLimits({ maxFileBytes: 5 }))).toThrow(
    over('limit-file-bytes'),
  );
});
