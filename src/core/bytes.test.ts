import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, fromHex, hex } from './bytes.ts';
import { BadInputError, BadStreamError } from './errors.ts';

const codeOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof BadStreamError) return `${error.code}@${error.at}`;
    throw error;
  }
  return 'none';
};

describe('bytes', () => {
  it('reads back what was written', () => {
    const writer = new ByteWriter().u8(200).u16(65535).u32(0xfedcba98).varint(300).f32(1.5).f64(Math.PI);
    const bytes = writer
      .utf8('grüß')
      .bytes(Uint8Array.of(1, 2, 3))
      .finish();
    const reader = new ByteReader(bytes);
    expect([reader.u8(), reader.u16(), reader.u32(), reader.varint()]).toEqual([200, 65535, 0xfedcba98, 300]);
    expect([reader.f32(), reader.f64(), reader.utf8(6)]).toEqual([1.5, Math.PI, 'grüß']);
    expect(reader.bytes(3)).toEqual(Uint8Array.of(1, 2, 3));
    reader.expectEnd();
  });

  it('grows under every kind of write', () => {
    const kinds = ['u8', 'u16', 'u32', 'f32', 'f64', 'varint'] as const;
    for (const kind of kinds) {
      const writer = new ByteWriter();
      for (let i = 0; i < 200; i++) writer[kind](i);
      const reader = new ByteReader(writer.finish());
      for (let i = 0; i < 200; i++) expect(reader[kind]()).toBe(i);
      reader.expectEnd();
    }
  });

  it('is little-endian', () => {
    expect(hex(new ByteWriter().u16(0x0102).u32(0x03040506).finish())).toBe('020106050403');
  });

  it('writes a varint in the fewest bytes', () => {
    const spelled = (value: number) => hex(new ByteWriter().varint(value).finish());
    expect([0, 127, 128, 16383, 16384, 0xffffffff].map(spelled)).toEqual([
      '00',
      '7f',
      '8001',
      'ff7f',
      '808001',
      'ffffffff0f',
    ]);
    for (let value = 1; value <= 0xffffffff; value = value * 2 + 1) {
      expect(new ByteReader(fromHex(spelled(value))).varint()).toBe(value);
    }
  });

  it('refuses a varint that is overlong, too large or cut off', () => {
    expect(codeOf(() => new ByteReader(fromHex('8000')).varint())).toBe('varint@0');
    expect(codeOf(() => new ByteReader(fromHex('ffffffff1f')).varint())).toBe('varint@0');
    expect(codeOf(() => new ByteReader(fromHex('ffffffffff01')).varint())).toBe('varint@0');
    expect(codeOf(() => new ByteReader(fromHex('80')).varint())).toBe('truncated@1');
  });

  it('says where the bytes end early or go on', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3));
    reader.u8();
    expect(codeOf(() => reader.u32())).toBe('truncated@1');
    expect(codeOf(() => reader.bytes(3))).toBe('truncated@1');
    expect(codeOf(() => reader.expectEnd())).toBe('trailing@1');
    expect(codeOf(() => new ByteReader(Uint8Array.of(0xff)).utf8(1))).toBe('utf8@0');
  });

  it('reads within a view of a larger buffer and returns copies', () => {
    const whole = Uint8Array.of(9, 1, 2, 9);
    const reader = new ByteReader(whole.subarray(1, 3));
    const copy = reader.bytes(2);
    whole.fill(7);
    expect(copy).toEqual(Uint8Array.of(1, 2));
    expect(codeOf(() => reader.u8())).toBe('truncated@2');
  });

  it('refuses integers out of range', () => {
    for (const act of [
      () => new ByteWriter().u8(256),
      () => new ByteWriter().u16(-1),
      () => new ByteWriter().u32(2 ** 32),
      () => new ByteWriter().varint(0.5),
      () => fromHex('abc'),
      () => new ByteReader(new Uint8Array(4)).bytes(-1),
    ]) {
      expect(act).toThrow(BadInputError);
    }
  });
});
