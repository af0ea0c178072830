import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc16, crc16OfWords, crc32c, sha256Hex } from './hash.ts';

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

test('checksums give the check values of their catalogue', () => {
  expect(crc16(ascii('123456789'))).toBe(0x29b1);
  expect(crc32c(ascii('123456789'))).toBe(0xe3069283);
  // RFC 3720, B.4: 32 bytes of zeros, of ones, and ascending.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});

test('a checksum continues over parts', () => {
  expect(crc32c(ascii('6789'), crc32c(ascii('12345')))).toBe(crc32c(ascii('123456789')));
  expect(crc16(ascii('6789'), crc16(ascii('12345')))).toBe(crc16(ascii('123456789')));
});

test('numbers have the checksum of their bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 0, max: 0xffff }), (numbers, seed) => {
      const bytes = new DataView(new ArrayBuffer(4 * numbers.length));
      numbers.forEach((n, i) => {
        bytes.setInt32(4 * i, n, true);
      });
      expect(crc16OfWords(Int32Array.from(numbers), seed)).toBe(crc16(new Uint8Array(bytes.buffer), seed));
    }),
  );
});

test('any flipped bit changes both checksums', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (bytes, at) => {
      const flipped = Uint8Array.from(bytes);
      const bit = at % (8 * bytes.length);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      return crc32c(flipped) !== crc32c(bytes) && crc16(flipped) !== crc16(bytes);
    }),
  );
});

test('SHA-256 gives the vectors of FIPS 180-4', () => {
  expect(sha256Hex(ascii(''))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256Hex(ascii('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256Hex(ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  );
});

test('SHA-256 agrees with the platform at every length around a block, and on views', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 151) >> 2);
  for (let n = 0; n <= 200; n++) {
    const view = bytes.subarray(n % 7, (n % 7) + n);
    expect(sha256Hex(view)).toBe(createHash('sha256').update(view).digest('hex'));
  }
});
