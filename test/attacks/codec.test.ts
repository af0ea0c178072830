import { describe, expect, it } from 'vitest';
import { decodeFile, encodeFile, openArchive, readHeader } from '../../codec/index.ts';
import { ByteWriter, fromHex } from '../../src/core/bytes.ts';
import { BadStreamError, type FunctaError, LimitError } from '../../src/core/errors.ts';
import { crc32c } from '../../src/core/hash.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { readModel } from '../../src/field/model.ts';
import { makeTinyModel, tinyModels } from '../conformance/tiny-models.ts';

const image = readModel(makeTinyModel(tinyModels[0]!));
const digest = fromHex(image.id);

/** A header of the image model with a shape, and a stream of random bytes. */
function asking(shape: readonly number[], streamBytes: number, seed = 1): Uint8Array {
  const rng = new Rng(seed);
  const writer = new ByteWriter().u8(0xfa).u8((1 << 5) | (2 << 2) | shape.length);
  writer.bytes(digest.subarray(0, 3)).u8(50);
  for (const n of shape) writer.varint(n);
  return writer.bytes(Uint8Array.from({ length: streamBytes }, () => 1 + rng.below(255))).finish();
}

function thrown(act: () => unknown): FunctaError {
  try {
    act();
  } catch (error) {
    return error as FunctaError;
  }
  throw new Error('nothing was thrown');
}

/** What `act` throws, while it may not take 50 MB or a second. */
function cheaply(act: () => unknown): FunctaError {
  const before = process.memoryUsage();
  const start = process.cpuUsage();
  const error = thrown(act);
  const after = process.memoryUsage();
  const { user } = process.cpuUsage(start);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(50e6);
  expect(after.heapUsed - before.heapUsed).toBeLessThan(50e6);
  expect(user).toBeLessThan(1e6);
  return error;
}

describe('a hostile file', () => {
  it('of 60 bytes that asks for 2^40 samples is refused before anything is sized by it', () => {
    const error = cheaply(() => decodeFile(image, asking([2 ** 20, 2 ** 20], 46)));
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({ code: 'limit-samples', asked: 2 ** 40, allowed: defaultLimits.maxSamples });
  });

  it('that asks for 2^64 samples, one long axis, or much work is refused by the limit it meets', () => {
    const code = (shape: number[], limits = {}) =>
      cheaply(() => decodeFile(image, asking(shape, 40), { ...defaultLimits, ...limits })).code;
    expect(code([2 ** 32 - 1, 2 ** 32 - 1])).toBe('limit-axis');
    expect(code([1, 2 ** 27])).toBe('limit-axis');
    expect(code([1000, 1000], { maxMultiplyAdds: 1e6 })).toBe('limit-multiply-adds');
    expect(code([1000, 1000], { maxSymbols: 1000 })).toBe('limit-symbols');
    expect(code([17, 17], { maxFileBytes: 20 })).toBe('limit-file-bytes');
  });

  it('whose stream is noise ends in an error, whatever the noise', () => {
    for (let seed = 0; seed < 400; seed++) {
      const error = thrown(() => decodeFile(image, asking([40, 40], seed % 70, seed)));
      expect(error).toBeInstanceOf(BadStreamError);
    }
  });

  it('whose stream repeats one byte for ever ends, too', () => {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = asking([40, 40], 2000);
      bytes.fill(byte, 8);
      expect(thrown(() => decodeFile(image, bytes))).toBeInstanceOf(BadStreamError);
    }
  });

  it('that is something else altogether is known by its first byte', () => {
    for (const foreign of [
      '89504e470d0a1a0a',
      'ffd8ffe0',
      '52494646',
      '504b0304',
      '934e554d5059',
      '7b7d',
      '00',
    ]) {
      expect(thrown(() => readHeader(fromHex(foreign))).code).toBe('magic');
    }
  });

  it('cannot pass for one of another quality, prior or shape: its check covers the header', () => {
    const zeros = new Int32Array(36);
    const bytes = encodeFile(image, zeros, [16, 12], 50, 'histogram');
    for (let quality = 1; quality <= 100; quality++) {
      if (quality === 50) continue;
      const other = bytes.slice();
      other[5] = quality;
      expect(thrown(() => decodeFile(image, other))).toBeInstanceOf(BadStreamError);
    }
    const taller = bytes.slice();
    taller[6] = 15; // the same cells
    expect(thrown(() => decodeFile(image, taller)).code).toBe('checksum');
  });
});

describe('a hostile archive', () => {
  const lead = (flags: number) =>
    new ByteWriter()
      .u8(0xfa)
      .u8((1 << 5) | 16 | (2 << 2))
      .u8(flags)
      .bytes(digest.subarray(0, 8))
      .u8(50);
  const sealed = (writer: ByteWriter, body = new Uint8Array(0)) =>
    writer.u32(crc32c(writer.finish())).bytes(body).u32(crc32c(body)).finish();

  it('of 4 billion items in 60 bytes is refused before its index is sized', () => {
    const bytes = sealed(
      lead(0)
        .varint(2 ** 32 - 1)
        .varint(0)
        .bytes(new Uint8Array(40)),
    );
    expect(cheaply(() => openArchive(image, bytes)).code).toBe('truncated');
  });

  it('whose streams are said to reach beyond its end is refused', () => {
    for (const least of [1, 5, 2 ** 32 - 1]) {
      const bytes = sealed(
        lead(0)
          .varint(2)
          .varint(least)
          .varint(0)
          .varint(2 ** 32 - 1),
      );
      expect(cheaply(() => openArchive(image, bytes)).code).toBe('truncated');
    }
  });

  it('with an id of 4 GB, or one that is not text, is refused', () => {
    expect(
      cheaply(() =>
        openArchive(
          image,
          sealed(
            lead(1)
              .varint(1)
              .varint(0)
              .varint(0)
              .varint(2 ** 32 - 1),
          ),
        ),
      ).code,
    ).toBe('truncated');
    const notText = sealed(lead(1).varint(1).varint(0).varint(0).varint(2).u16(0xffff));
    expect(cheaply(() => openArchive(image, notText)).code).toBe('utf8');
  });

  it('cannot make one item large: limits hold for each', () => {
    const writer = new ByteWriter()
      .u8(0xfa)
      .u8((1 << 5) | 16 | (2 << 2) | 2)
      .u8(0)
      .bytes(digest.subarray(0, 8))
      .u8(50);
    const bytes = sealed(
      writer
        .varint(2 ** 20)
        .varint(2 ** 20)
        .varint(1)
        .varint(3)
        .varint(0),
      Uint8Array.of(1, 2, 3),
    );
    const archive = openArchive(image, bytes);
    expect(cheaply(() => archive.at(0)).code).toBe('limit-samples');
  });
});
