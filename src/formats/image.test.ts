import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { FunctaError } from '../core/errors.ts';
import { withLimits } from '../core/limits.ts';
import { mse, psnrDb } from '../core/units.ts';
import { packageRoot } from '../disk/package.ts';
import { type Signal, signalFromBytes, signalToBytes } from '../signal/signal.ts';
import {
  type ImageChannels,
  type ImageFormat,
  readImage,
  readImageSize,
  sniffImage,
  writeImage,
} from './image.ts';

const emojiDirectory = join(packageRoot(), 'test', 'fixtures', 'datasets', 'emoji');
const emoji = readFileSync(join(emojiDirectory, readdirSync(emojiDirectory).sort()[3]!));
const formats: ImageFormat[] = ['png', 'jpeg', 'webp', 'avif'];
const withCode = (code: string) => expect.objectContaining({ code });

function picture(shape: [number, number], channels: number): Signal {
  const count = shape[0] * shape[1] * channels;
  const bytes = Uint8Array.from({ length: count }, (_, i) => (i * 7) % 256);
  return signalFromBytes(bytes, { id: 'image', shape, channels });
}

describe('reading and writing', () => {
  test.each([1, 3, 4])('a PNG of %i channels comes back exactly', async (channels) => {
    const signal = picture([5, 7], channels);
    const read = await readImage(await writeImage(signal, 'png'), { channels: channels as 1 | 3 | 4 });
    expect(read).toEqual(signal);
  });

  test.each(formats)('%s is recognised, written and read with little loss', async (format) => {
    const original = await readImage(emoji);
    const bytes = await writeImage(original, format, { quality: 95 });
    expect(sniffImage(bytes)).toBe(format);
    const read = await readImage(bytes);
    expect(read.shape).toEqual(original.shape);
    expect(psnrDb(mse(read.values, original.values))).toBeGreaterThan(26);
  });

  test.each(formats)('a 1 x 1 %s works', async (format) => {
    const read = await readImage(await writeImage(picture([1, 1], 3), format));
    expect(read).toMatchObject({ shape: [1, 1], channels: 3 });
  });

  test('transparency is laid on white for rgb and grey, and kept for rgba', async () => {
    const signal = signalFromBytes(Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 128), {
      id: 'image',
      shape: [1, 2],
      channels: 4,
    });
    const png = await writeImage(signal, 'png');
    expect(signalToBytes(await readImage(png))).toEqual(Uint8Array.of(255, 255, 255, 255, 127, 127));
    expect((await readImage(png, { channels: 'grey' })).values[0]).toBe(1);
    expect(await readImage(png, { channels: 'rgba' })).toEqual(signal);
  });

  test('what is lost on reading is said, one line each, and nothing where nothing is', async () => {
    const raw = { width: 4, height: 4, channels: 3 as const };
    const red = Uint8Array.from({ length: 48 }, (_, i) => (i % 3 === 0 ? 200 : 10));
    const image = () => sharp(red, { raw });
    const notes = async (bytes: Uint8Array, channels: ImageChannels = 'rgb') =>
      (await readImage(bytes, { channels })).notes;
    const png = await image().png().toBuffer();
    expect(await notes(png)).toBeUndefined();
    expect(await notes(await image().withIccProfile('srgb').png().toBuffer())).toBeUndefined();
    expect(await notes(png, 'grey')).toEqual(['its colours are read as grey']);
    const wide = await image().withIccProfile('p3').png().toBuffer();
    expect(await notes(wide)).toEqual([
      expect.stringMatching(/^its colours \(profile .*P3.*\) are converted/),
    ]);
    const inks = await image().toColourspace('cmyk').jpeg().toBuffer();
    expect(await notes(inks)).toEqual(['its inks (CMYK) are converted to sRGB']);
    const deep = await image().toColourspace('rgb16').png().toBuffer();
    expect(await notes(deep)).toEqual(['its samples of 16 bits are read as 8']);
    const ten = await image().avif({ bitdepth: 10 }).toBuffer();
    expect(await notes(ten)).toEqual(['its samples of 10 bits are read as 8']);
    const clear = await image().ensureAlpha(0.5).png().toBuffer();
    expect(await notes(clear)).toEqual(['its transparency is laid on white']);
    expect(await notes(clear, 'rgba')).toBeUndefined();
    expect(await notes(await image().ensureAlpha(1).png().toBuffer())).toBeUndefined();
    const other = red.map((v) => 255 - v);
    const frames = { width: 4, height: 8, channels: 3 as const, pageHeight: 4 };
    const film = await sharp(Buffer.concat([red, other]), { raw: frames })
      .webp({ lossless: true })
      .toBuffer();
    expect(await notes(film)).toEqual(['only the first of its 2 frames is read']);
    // acTL: two frames, played for ever, after the header
    const acTL = Buffer.concat([Buffer.from('00000008', 'hex'), Buffer.from('acTL'), Buffer.alloc(8)]);
    acTL.writeUInt32BE(2, 8);
    const check = Buffer.alloc(4);
    check.writeUInt32BE(crc32(acTL.subarray(4)));
    const animated = Buffer.concat([png.subarray(0, 33), acTL, check, png.subarray(33)]);
    expect(await notes(animated)).toEqual(['only the first of its frames is read']);
  });

  test('grey, palette and 16-bit pictures become 8-bit RGB', async () => {
    const raw = { width: 2, height: 1, channels: 1 as const };
    const grey = await sharp(Uint8Array.of(10, 200), { raw }).toColourspace('b-w').png().toBuffer();
    expect([...signalToBytes(await readImage(grey))]).toEqual([10, 10, 10, 200, 200, 200]);
    const palette = await sharp(grey).png({ palette: true }).toBuffer();
    expect([...signalToBytes(await readImage(palette))]).toEqual([10, 10, 10, 200, 200, 200]);
    expect([...signalToBytes(await readImage(greyPng16([0x0a0a, 0xc8c8])))]).toEqual([
      10, 10, 10, 200, 200, 200,
    ]);
  });

  test('a picture lying on its side is turned upright', async () => {
    const lying = await sharp(await writeImage(picture([2, 5], 3), 'jpeg'))
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect((await readImage(lying)).shape).toEqual([5, 2]);
    expect(await readImageSize(lying)).toEqual([5, 2]);
  });

  test('a signal that is no picture is not written', async () => {
    const sound = { id: 's', shape: [8], channels: 1, values: new Float32Array(8) };
    await expect(writeImage(sound, 'png')).rejects.toThrow(withCode('not-an-image'));
  });

  test('a picture wider than its format allows is a tagged error', async () => {
    await expect(writeImage(picture([1, 20000], 1), 'webp')).rejects.toThrow(
      withCode('image-too-large-for-format'),
    );
  });
});

describe('bad pictures', () => {
  test('nothing, text, and SVG are refused by name', async () => {
    await expect(readImage(new Uint8Array(0))).rejects.toThrow(withCode('empty-image'));
    await expect(readImage(new TextEncoder().encode('hello'))).rejects.toThrow(withCode('unknown-image'));
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await expect(readImage(new TextEncoder().encode(svg))).rejects.toThrow(withCode('unknown-image'));
  });

  test('a PNG of 30,000 x 30,000 is refused from its header', async () => {
    const before = process.memoryUsage.rss();
    await expect(readImage(hugePng())).rejects.toThrow(withCode('limit-samples'));
    await expect(readImage(hugePng(), { limits: withLimits({ maxAxis: 1000 }) })).rejects.toThrow(
      withCode('limit-axis'),
    );
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 << 20);
  });

  test('a file over the limit of bytes is refused', async () => {
    await expect(readImage(emoji, { limits: withLimits({ maxFileBytes: 10 }) })).rejects.toThrow(
      withCode('limit-file-bytes'),
    );
  });

  test.each(formats)('a %s cut in half is a tagged error', async (format) => {
    const bytes = await writeImage(await readImage(emoji), format);
    await expect(readImage(bytes.subarray(0, bytes.length >> 1))).rejects.toThrow(withCode('bad-image'));
  });

  test('any change to a PNG: a picture within limits, or a tagged error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(emoji.length - 9), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (edits) => {
          const bytes = new Uint8Array(emoji);
          for (const [at, value] of edits) bytes[8 + at] = value;
          try {
            const { shape } = await readImage(bytes, { limits: withLimits({ maxSamples: 4096 }) });
            expect(shape[0]! * shape[1]!).toBeLessThanOrEqual(4096);
          } catch (error) {
            expect(error).toBeInstanceOf(FunctaError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(8 + body.length);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), 4 + body.length);
  return whole;
}

function png(width: number, height: number, depth: number, rows: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', new Uint8Array(0))];
  return Buffer.concat([signature, ...chunks]);
}

function greyPng16(values: number[]): Uint8Array {
  const rows = Buffer.alloc(1 + 2 * values.length);
  values.forEach((value, i) => {
    rows.writeUInt16BE(value, 1 + 2 * i);
  });
  return png(values.length, 1, 16, rows);
}

function hugePng(): Uint8Array {
  return png(30_000, 30_000, 8, new Uint8Array(30_001 * 100));
}
