import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FunctaError } from '../core/errors.ts';
import { withLimits } from '../core/limits.ts';
import type { Dtype } from '../core/tensor.ts';
import { packageRoot } from '../disk/package.ts';
import { outputsOfKind } from '../field/kinds.ts';
import { readNpy, signalFromNpy, signalToNpy, writeNpy } from './npy.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(packageRoot(), 'test', 'fixtures', 'datasets', 'npy', `${name}.npy`)));
const ramp = Array.from({ length: 24 }, (_, i) => i);
const withCode = (code: string) => expect.objectContaining({ code });

describe('files written by NumPy', () => {
  test.each([
    ['f4', 'F32'],
    ['f8', 'F64'],
    ['f2', 'F32'],
    ['i1', 'I8'],
    ['u1', 'U8'],
    ['i2', 'I16'],
    ['u2', 'U16'],
    ['i4', 'I32'],
    ['u4', 'U32'],
    ['i8', 'F64'],
    ['u8', 'F64'],
    ['f4-big-endian', 'F32'],
    ['i2-fortran', 'I16'],
    ['f4-version-2', 'F32'],
    ['f4-version-3', 'F32'],
  ])('%s is read as %s in C order', (name, dtype) => {
    const tensor = readNpy(fixture(`ramp-${name}`));
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([2, 3, 4]);
    expect([...tensor.data]).toEqual(ramp);
  });

  test('bools, one number and no numbers are read too', () => {
    expect([...readNpy(fixture('bool')).data]).toEqual([1, 0, 1]);
    expect(readNpy(fixture('scalar-f8'))).toEqual({ dtype: 'F64', shape: [], data: Float64Array.of(2.5) });
    expect(readNpy(fixture('empty-f4')).shape).toEqual([0, 4]);
  });

  test.each(['f4', 'f8', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4'])(
    '%s is written byte for byte as NumPy does',
    (name) => {
      const bytes = fixture(`ramp-${name}`);
      expect(writeNpy(readNpy(bytes))).toEqual(bytes);
    },
  );

  test('structured, object and complex arrays and integers beyond 2^53 are refused as unsupported', () => {
    for (const name of ['structured', 'object', 'complex', 'large-i8']) {
      expect(() => readNpy(fixture(name)), name).toThrow(withCode('unsupported-npy'));
    }
  });
});

describe('bad files', () => {
  test('a cut file, a longer one and a foreign one each have their code', () => {
    const bytes = fixture('ramp-f4');
    for (const length of [7, 9, 60, bytes.length - 1]) {
      expect(() => readNpy(bytes.subarray(0, length))).toThrow(
        withCode(length < 7 ? 'bad-npy' : 'truncated'),
      );
    }
    const longer = new Uint8Array([...bytes, 0]);
    expect(() => readNpy(longer)).toThrow(withCode('trailing-bytes'));
    expect(() => readNpy(Uint8Array.of(1, 2, 3))).toThrow(withCode('bad-npy'));
  });

  test('a shape that asks for more than the limit is refused before anything is sized by it', () => {
    const text = new TextDecoder('latin1').decode(fixture('ramp-f4')).replace('(2, 3, 4), ', '(9999999999,)');
    const asked = Uint8Array.from(text.slice(0, 128), (c) => c.charCodeAt(0));
    expect(() => readNpy(asked)).toThrow(withCode('limit-samples'));
    expect(() => readNpy(fixture('ramp-f4'), withLimits({ maxSamples: 23 }))).toThrow(
      withCode('limit-samples'),
    );
    expect(() => readNpy(fixture('ramp-f4'), withLimits({ maxFileBytes: 100 }))).toThrow(
      withCode('limit-file-bytes'),
    );
  });

  test('any bytes: an array within limits, or a tagged error, never anything else', () => {
    const seeds = ['ramp-f4', 'ramp-i2-fortran', 'ramp-u8', 'ramp-f4-version-2', 'structured'].map(fixture);
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(220), fc.nat(255)), { maxLength: 4 }),
        fc.nat(99),
      )
      .map(([seed, edits, cut]) => {
        const bytes = seed.slice(0, cut < 50 ? seed.length : seed.length - cut);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(mutated, (bytes) => {
        try {
          const { shape, data } = readNpy(bytes, withLimits({ maxSamples: 1000 }));
          expect(data.length).toBe(shape.reduce((product, n) => product * n, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(FunctaError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('signals as npy', () => {
  test('the channels are the last axis, and absent where there is one', () => {
    expect(signalFromNpy(fixture('ramp-f4'), { axes: 2 })).toMatchObject({ shape: [2, 3], channels: 4 });
    expect(signalFromNpy(fixture('ramp-f4'), { axes: 3 })).toMatchObject({ shape: [2, 3, 4], channels: 1 });
    expect(() => signalFromNpy(fixture('ramp-f4'), { axes: 1 })).toThrow(withCode('bad-shape'));
  });

  type Meaning = 'picture' | 'sound' | 'numbers';
  const range = { offset: 0, scale: 1 };
  const outputsOf = {
    picture: outputsOfKind('grey', range),
    sound: outputsOfKind('mono', range),
    numbers: outputsOfKind('values', range),
  };
  const types = 'b1 u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8'.split(' ');
  const scales: Record<string, Record<string, { zero: number; unit: number }>> = {
    picture: { b1: { zero: 0, unit: 1 }, u1: { zero: 0, unit: 255 }, u2: { zero: 0, unit: 65535 } },
    sound: {
      u1: { zero: 128, unit: 128 },
      i1: { zero: 0, unit: 128 },
      i2: { zero: 0, unit: 32768 },
      i4: { zero: 0, unit: 2 ** 31 },
    },
  };
  const files = [
    ['b1', 'bool', 1],
    ...types.slice(1).map((type) => [type, `ramp-${type}`, 2] as const),
    ['f4', 'ramp-f4-big-endian', 2],
    ['i2', 'ramp-i2-fortran', 2],
  ] as const;

  test.each(files)(
    '%s (%s): each meaning has its scale, or is refused with what to save',
    (type, name, axes) => {
      const read = (meaning: Meaning) =>
        signalFromNpy(fixture(name), { axes, outputs: outputsOf[meaning] }).values;
      const raw = [...readNpy(fixture(name)).data];
      expect([...read('numbers')]).toEqual(raw.map(Math.fround));
      for (const meaning of ['picture', 'sound'] as const) {
        const scale = type.startsWith('f') ? { zero: 0, unit: 1 } : scales[meaning]![type];
        if (scale === undefined) {
          expect(() => read(meaning)).toThrow(withCode('npy-scale'));
          expect(() => read(meaning)).toThrow(/save it as a\.astype\('u?int/);
        } else {
          expect([...read(meaning)]).toEqual(raw.map((v) => Math.fround((v - scale.zero) / scale.unit)));
        }
      }
    },
  );

  test('the ends of an integer type are the ends of the signal', () => {
    const of = (dtype: Dtype, data: Uint16Array | Int16Array, meaning: Meaning) => [
      ...signalFromNpy(writeNpy({ dtype, shape: [data.length], data }), {
        axes: 1,
        outputs: outputsOf[meaning],
      }).values,
    ];
    expect(of('U16', Uint16Array.of(0, 65535), 'picture')).toEqual([0, 1]);
    expect(of('I16', Int16Array.of(-32768, 0, 16384), 'sound')).toEqual([-1, 0, 0.5]);
  });

  test('a mask of bool, of 0 and 1, and of 0 and 255 is from 0 to 1', () => {
    const mask = (data: Uint8Array) => [
      ...signalFromNpy(writeNpy({ dtype: 'U8', shape: [3], data }), { axes: 1, outputs: 'mask' }).values,
    ];
    expect(mask(Uint8Array.of(0, 1, 1))).toEqual([0, 1, 1]);
    expect(mask(Uint8Array.of(0, 255, 255))).toEqual([0, 1, 1]);
    expect(mask(Uint8Array.of(0, 0, 0))).toEqual([0, 0, 0]);
    const bools = signalFromNpy(fixture('bool'), { axes: 1, outputs: 'mask' });
    expect([...bools.values]).toEqual([1, 0, 1]);
  });

  test('an array without axes is refused with the axes that are needed', () => {
    expect(() => signalFromNpy(fixture('scalar-f8'), { axes: 2 })).toThrow(withCode('bad-shape'));
  });

  test('NaN is kept as missing; an infinite value is refused with its index', () => {
    const { values } = signalFromNpy(fixture('nan-f4'), { axes: 2 });
    expect([...values]).toEqual([1, Number.NaN, 0.25, -0.5]);
    const infinite = () => signalFromNpy(fixture('infinite-f4'), { axes: 1 });
    expect(infinite).toThrow('value 2 is -Infinity');
    expect(infinite).toThrow(withCode('infinite-value'));
    const tooLarge = writeNpy({ dtype: 'F64', shape: [2], data: Float64Array.of(0, 1e300) });
    expect(() => signalFromNpy(tooLarge, { axes: 1 })).toThrow('value 1 is Infinity');
  });

  test('an empty array is no signal', () => {
    expect(() => signalFromNpy(fixture('empty-f4'), { axes: 2 })).toThrow(withCode('empty-signal'));
  });

  test('a signal comes back as it was written', () => {
    const signal = {
      id: 'a',
      shape: [2, 1],
      channels: 3,
      values: Float32Array.of(1, 2, 3, Number.NaN, 5, 6),
    };
    expect(signalFromNpy(signalToNpy(signal), { axes: 2, id: 'a' })).toEqual(signal);
  });
});
