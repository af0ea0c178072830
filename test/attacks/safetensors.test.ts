import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FunctaError } from '../../src/core/errors.ts';
import { defaultLimits, withLimits } from '../../src/core/limits.ts';
import { tensor } from '../../src/core/tensor.ts';
import { readSafetensors, writeSafetensors } from '../../src/field/safetensors.ts';

/** A file of this header text and so many bytes of data. */
function file(header: string, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (from: number, to: number, shape: unknown = [to - from], dtype = 'U8') =>
  `{"dtype":"${dtype}","shape":${JSON.stringify(shape)},"data_offsets":[${from},${to}]}`;

const refused: [name: string, code: string, bytes: Uint8Array][] = [
  ['an empty file', 'truncated', new Uint8Array(0)],
  ['a header length and nothing else', 'truncated', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0)],
  ['a header of 2^40 bytes', 'limit-header-bytes', Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0x7b)],
  ['a header of 2^64 - 1 bytes', 'limit-header-bytes', new Uint8Array(9).fill(255)],
  ['a header of no bytes', 'safetensors-header', file('')],
  ['a header that begins with a space', 'safetensors-header', file(' {}')],
  ['a header with a byte order mark', 'safetensors-header', file('\ufeff{}')],
  ['a header that is an array', 'safetensors-header', file('[]')],
  ['a header cut off', 'safetensors-header', file(`{"a":${entry(0, 1)}`, 1)],
  ['a header that is not UTF-8', 'safetensors-header', file('{"a":1}').with(10, 0xff)],
  ['two documents in a header', 'safetensors-header', file('{}{}')],
  ['a name that is half a surrogate pair', 'safetensors-header', file(`{"\\ud800":${entry(0, 1)}}`, 1)],
  ['overlapping tensors', 'safetensors-offsets', file(`{"a":${entry(0, 4)},"b":${entry(2, 6)}}`, 6)],
  [
    'two tensors on the same bytes',
    'safetensors-offsets',
    file(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4),
  ],
  ['a hole between tensors', 'safetensors-offsets', file(`{"a":${entry(0, 2)},"b":${entry(3, 5)}}`, 5)],
  ['a hole before the first', 'safetensors-offsets', file(`{"a":${entry(1, 2)}}`, 2)],
  ['an end before the start', 'safetensors-offsets', file(`{"a":${entry(4, 0, [0])}}`, 4)],
  ['bytes after the last tensor', 'safetensors-trailing', file(`{"a":${entry(0, 2)}}`, 3)],
  ['a payload without tensors', 'safetensors-trailing', file('{}', 16)],
  ['fewer bytes than the dtype needs', 'safetensors-size', file(`{"a":${entry(0, 4, [4], 'F32')}}`, 4)],
  ['more bytes than the shape needs', 'safetensors-size', file(`{"a":${entry(0, 4, [3])}}`, 4)],
  [
    'a shape whose product overflows',
    'safetensors-size',
    file(`{"a":${entry(0, 0, [2 ** 40, 2 ** 40, 0])}}`),
  ],
  ['a shape of 2^40', 'safetensors-size', file(`{"a":${entry(0, 1, [2 ** 40])}}`, 1)],
  ['data cut off', 'truncated', file(`{"a":${entry(0, 2 ** 40)}}`, 8)],
  ['a negative dimension', 'safetensors-header', file(`{"a":${entry(0, 1, [-1])}}`, 1)],
  [
    'a dimension in scientific notation',
    'safetensors-header',
    file(`{"a":${entry(0, 1).replace('[1]', '[1e0]')}}`, 1),
  ],
  ['a dimension that is a string', 'safetensors-entry', file(`{"a":${entry(0, 1, ['1'])}}`, 1)],
  [
    'a dimension above 2^53',
    'safetensors-entry',
    file(`{"a":${entry(0, 1).replace('[1]', '[99999999999999999999]')}}`, 1),
  ],
  ['three offsets', 'safetensors-entry', file(`{"a":${entry(0, 1).replace('[0,1]', '[0,1,1]')}}`, 1)],
  ['no offsets', 'safetensors-entry', file('{"a":{"dtype":"U8","shape":[1]}}', 1)],
  ['an unknown field', 'safetensors-entry', file(`{"a":{"x":0,${entry(0, 1).slice(1)}}`, 1)],
  ['an entry that is null', 'safetensors-entry', file('{"a":null}')],
  ['a dtype of another world', 'safetensors-dtype', file(`{"a":${entry(0, 1, [1], 'F4')}}`, 1)],
  [
    'a dtype that is a property of every object',
    'safetensors-dtype',
    file(`{"a":${entry(0, 1, [1], 'constructor')}}`, 1),
  ],
  ['one name twice', 'safetensors-duplicate', file(`{"a":${entry(0, 1)},"a":${entry(1, 2)}}`, 2)],
  [
    'one name twice, once escaped',
    'safetensors-duplicate',
    file(`{"a":${entry(0, 1)},"\\u0061":${entry(1, 2)}}`, 2),
  ],
  ['one field twice', 'safetensors-duplicate', file(`{"a":{"dtype":"F32",${entry(0, 1).slice(1)}}`, 1)],
  ['metadata twice', 'safetensors-duplicate', file('{"__metadata__":{},"__metadata__":{}}')],
  ['metadata that are not strings', 'safetensors-metadata', file('{"__metadata__":{"a":1}}')],
  ['metadata that are a list', 'safetensors-metadata', file('{"__metadata__":["a"]}')],
];

test.each(refused)('%s: %s', (_name, code, bytes) => {
  expect(() => readSafetensors(bytes)).toThrow(expect.objectContaining({ code }));
});

test('a file above the limit is refused before it is read', () => {
  const bytes = writeSafetensors(new Map([['a', tensor(new Uint8Array(100))]]));
  const limits = withLimits({ maxFileBytes: 100 });
  expect(() => readSafetensors(bytes, limits)).toThrow(expect.objectContaining({ code: 'limit-file-bytes' }));
});

test('a tensor named __proto__ is a tensor, and metadata named so are metadata', () => {
  const bytes = file(`{"__metadata__":{"__proto__":"x"},"__proto__":${entry(0, 1)}}`, 1);
  const { tensors, metadata } = readSafetensors(bytes);
  expect([...tensors.keys()]).toEqual(['__proto__']);
  expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
});

test('a header nested as deep as its limit is a tagged error', () => {
  const depth = 2 ** 20;
  const cut = file(`{"a":${'['.repeat(depth)}`);
  expect(() => readSafetensors(cut)).toThrow(expect.objectContaining({ code: 'safetensors-header' }));
  const whole = file(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  expect(() => readSafetensors(whole)).toThrow(expect.objectContaining({ code: 'safetensors-entry' }));
  const objects = file(`${'{"a":'.repeat(depth / 4)}{}${'}'.repeat(depth / 4)}`);
  expect(() => readSafetensors(objects)).toThrow(expect.objectContaining({ code: 'safetensors-entry' }));
});

test('a name with line breaks, or a long one, leaves the message one short line', () => {
  const name = `a\\n${'b'.repeat(1000)}`;
  const bytes = file(`{"${name}":${entry(1, 2)}}`, 2);
  expect(() => readSafetensors(bytes)).toThrow(/^[^\n]{1,150}$/);
});

test('every truncation of a file is a tagged error', () => {
  const bytes = writeSafetensors(
    new Map([
      ['a', tensor(Float32Array.of(1, 2))],
      ['b', tensor(Int8Array.of(3))],
    ]),
    { k: 'v' },
  );
  for (let n = 0; n < bytes.length; n++) {
    expect(() => readSafetensors(bytes.slice(0, n))).toThrow(FunctaError);
  }
});

test('any mutation: tensors no larger than the file, or a tagged error, never anything else', () => {
  const good = writeSafetensors(
    new Map([
      ['weights', tensor(new Float32Array(12), [3, 4])],
      ['table', tensor(new Uint16Array(5))],
    ]),
    { card: '{}' },
  );
  const edit = fc.record({ at: fc.nat(good.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const bytes = good.slice();
      for (const { at, byte } of edits) bytes[at] = byte;
      try {
        let total = 0;
        for (const { data } of readSafetensors(bytes, defaultLimits).tensors.values())
          total += data.byteLength;
        expect(total).toBeLessThan(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(FunctaError);
      }
    }),
    { numRuns: 20_000 },
  );
});
