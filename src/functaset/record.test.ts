import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../core/bytes.ts';
import { FunctaError } from '../core/errors.ts';
import { fromFloat16, toFloat16 } from '../core/float16.ts';
import { crc32c } from '../core/hash.ts';
import { defaultLimits, withLimits } from '../core/limits.ts';
import {
  checkFunction,
  decodeNote,
  decodeRecord,
  encodeNote,
  encodeRecord,
  recordOf,
  summariseRecord,
} from './record.ts';
import { summaryOf } from './summary.ts';
import { testFunction, testModulation } from './testing.ts';
import type { FileContent, StoredFunction } from './types.ts';

const anyContent = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({
    kind: fc.constant('modulation' as const),
    quality: fc.integer({ min: 1, max: 100 }),
    values: fc
      .float32Array({ noNaN: true, min: -60000, max: 60000, maxLength: 40 })
      .map((values) => fromFloat16(toFloat16(values))),
  }),
);

const anyFunction = fc.record(
  {
    id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    label: fc.oneof(
      // -0 is kept as 0: it prints as that.
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((label) => label + 0),
      fc.nat(),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    ),
    shape: fc.array(fc.integer({ min: 1, max: 2 ** 20 }), { minLength: 1, maxLength: 8 }),
    psnrDb: fc.oneof(fc.double(), fc.constant(Infinity)),
    bits: fc.double({ min: 0, max: 1e12, noNaN: true }),
    content: anyContent,
  },
  { requiredKeys: ['id', 'shape', 'psnrDb', 'bits', 'content'] },
) as fc.Arbitrary<StoredFunction>;

test('a record gives back its function, whole and as a summary', () => {
  fc.assert(
    fc.property(anyFunction, (fn) => {
      const bytes = encodeRecord(fn);
      expect(decodeRecord(fn.id, bytes)).toEqual(fn);
      expect(summariseRecord(fn.id, bytes)).toEqual(summaryOf(fn));
    }),
  );
});

test('a record reads the same at any place in memory', () => {
  const fn = testFunction(1);
  const bytes = encodeRecord(fn);
  for (let shift = 0; shift < 8; shift++) {
    const moved = new Uint8Array(bytes.length + shift).subarray(shift);
    moved.set(bytes);
    expect(decodeRecord(fn.id, moved)).toEqual(fn);
  }
});

test('a decoded function shares nothing with the record', () => {
  for (const content of [testFunction(1).content, testModulation(20)]) {
    const fn = testFunction(1, { content });
    const bytes = encodeRecord(fn);
    const copy = decodeRecord(fn.id, bytes);
    bytes.fill(0);
    expect(copy).toEqual(fn);
  }
});

test('a record of a garment is its file and less than 30 bytes', () => {
  const file = new Uint8Array(80);
  const content = { kind: 'file', bytes: file } as const;
  const record = encodeRecord(testFunction(1, { label: 9, shape: [28, 28], content }));
  expect(record.length - file.length).toBeLessThan(30);
});

test.each([
  ['a file', testFunction(1).content],
  ['a modulation', testModulation(20)],
])(
  'of %s every flipped bit, every truncation, and another id are a fault of the checksum',
  (_what, content) => {
    const fn = testFunction(1, { content });
    const bytes = encodeRecord(fn);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decodeRecord(fn.id, flipped)).toThrow(
        expect.objectContaining({ code: 'record-checksum' }),
      );
    }
    for (let n = 0; n < bytes.length; n++) {
      expect(() => decodeRecord(fn.id, bytes.subarray(0, n))).toThrow(FunctaError);
    }
    expect(() => decodeRecord('item-000002', bytes)).toThrow(/"item-000002".*stored/);
  },
);

test('any bytes with a checksum that fits: a function within them, or a tagged error', () => {
  const good = [testFunction(1).content, testModulation(20)].map((content) =>
    encodeRecord(testFunction(1, { content, label: 'a text' })),
  );
  const edits = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...good), edits, fc.nat(60), (whole, edits, length) => {
      const bytes = whole.slice(0, whole.length - 4 - (length > 30 ? 0 : length));
      for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
      const crc = crc32c(bytes, crc32c(new TextEncoder().encode('x')));
      const record = new ByteWriter().bytes(bytes).u32(crc).finish();
      try {
        const { content } = decodeRecord('x', record);
        const size = content.kind === 'file' ? content.bytes.length : 2 * content.values.length;
        expect(size).toBeLessThan(bytes.length);
        summariseRecord('x', record);
      } catch (error) {
        expect(error).toBeInstanceOf(FunctaError);
      }
    }),
    { numRuns: 5000 },
  );
});

const ofValues = (...values: number[]) => ({ ...testModulation(0), values: Float32Array.from(values) });

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
  ['a file of no bytes', { content: { kind: 'file', bytes: new Uint8Array(0) } }],
  ['a quality of zero', { content: testModulation(20, 0) }],
  ['a quality that is no whole number', { content: testModulation(20, 50.5) }],
  ['bits below zero', { bits: -1 }],
  ['infinite bits', { bits: Infinity }],
  ['a NaN in the modulation', { content: ofValues(0, Number.NaN) }],
  ['an infinity in the modulation', { content: ofValues(Infinity) }],
  ['a modulation beyond half floats', { content: ofValues(65505) }],
];

test.each(refused)('%s is not stored', (_what, changes) => {
  const bad = expect.objectContaining({ code: 'bad-function' });
  expect(() => checkFunction(testFunction(1, changes), defaultLimits)).toThrow(bad);
});

test('a function above the limits is not stored', () => {
  const uncoded = testFunction(1, { content: testModulation(20) });
  checkFunction(testFunction(1), withLimits({ maxFileBytes: 6 }));
  checkFunction(uncoded, withLimits({ maxSymbols: 20 }));
  const over = (code: string) => expect.objectContaining({ code });
  expect(() => checkFunction(uncoded, withLimits({ maxSymbols: 19 }))).toThrow(over('limit-symbols'));
  expect(() => checkFunction(testFunction(1), withLimits({ maxFileBytes: 5 }))).toThrow(
    over('limit-file-bytes'),
  );
});

test('metadata is kept as it came, whole, in a summary and in a note, and changes nothing where there is none', () => {
  const plain = testFunction(1);
  const metadata = { shelf: 7, tags: ['a', 'ü'], deep: { null: null } };
  const fn = { ...plain, metadata };
  const { id, bytes } = recordOf(fn);
  expect(decodeRecord(id, bytes)).toEqual(fn);
  expect(summariseRecord(id, bytes).metadata).toEqual(metadata);
  expect(decodeNote(id, encodeNote(fn), (fn.content as FileContent).bytes)).toEqual(fn);
  expect([encodeRecord(plain)[0]! >> 4, bytes[0]! >> 4]).toEqual([2, 3]);
  for (const bad of [[1], 'text', null, { long: 'x'.repeat(4096) }, { big: 1n }])
    expect(() => recordOf({ ...plain, metadata: bad as never })).toThrow('metadata cannot be kept');
});
