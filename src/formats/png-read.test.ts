import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readPixels } from './image.ts';
import { pngChunks } from './png.ts';
import { openPlainPng } from './png-read.ts';

type Channels = 1 | 2 | 3 | 4;

function picture({ seed, height, width, channels }: Drawn) {
  let state = seed >>> 0;
  const samples = Buffer.alloc(height * width * channels);
  for (let i = 0; i < samples.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    samples[i] = seed % 3 === 0 ? state >>> 24 : (i * (1 + (seed % 7)) + (state >>> 30)) & 255;
  }
  return sharp(samples, { raw: { width, height, channels } }).toColourspace(channels < 3 ? 'b-w' : 'srgb');
}

interface Drawn {
  readonly seed: number;
  readonly height: number;
  readonly width: number;
  readonly channels: Channels;
}

const drawn = fc.record({
  seed: fc.nat(),
  height: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 40 }),
  channels: fc.constantFrom<Channels>(1, 2, 3, 4),
});

/** The library reads it then: a text is nothing that a plain file has. */
function withText(png: Uint8Array): Uint8Array {
  // a tEXt chunk "a", 0, "b" and its checksum, behind IHDR
  const text = Buffer.from('0000000374455874610062dc49a23b', 'hex');
  return Buffer.concat([png.subarray(0, 33), text, png.subarray(33)]);
}

describe('a plain PNG', () => {
  it('has the samples and notes that the image library gives, in any channels', async () => {
    await fc.assert(
      fc.asyncProperty(
        drawn,
        fc.boolean(),
        fc.constantFrom(1, 3, 4),
        async (of, adaptiveFiltering, channels) => {
          const png = await picture(of)
            .png({ adaptiveFiltering, compressionLevel: of.seed % 10 })
            .toBuffer();
          const other = withText(png);
          expect(openPlainPng(png)?.shape).toEqual([of.height, of.width]);
          expect(openPlainPng(other)).toBeUndefined();
          const asked = { channels: channels as 1 | 3 | 4 };
          expect(await readPixels(png, asked)).toEqual(await readPixels(other, asked));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is one with a palette, lines in passes, 16 bits, a profile or an orientation no more', async () => {
    const of = { seed: 1, height: 9, width: 7, channels: 3 } as const;
    const others = await Promise.all([
      picture(of).png({ palette: true }).toBuffer(),
      picture(of).png({ progressive: true }).toBuffer(),
      picture(of).toColourspace('rgb16').png().toBuffer(),
      picture(of).withIccProfile('p3').png().toBuffer(),
      picture(of).withMetadata({ orientation: 6 }).png().toBuffer(),
    ]);
    for (const png of others) expect(openPlainPng(png)).toBeUndefined();
  });

  it('any byte changed or cut off: the library is asked, or the samples are those of the file', async () => {
    const png = await picture({ seed: 4, height: 6, width: 5, channels: 3 }).png().toBuffer();
    const samples = openPlainPng(png)?.samples();
    for (let at = 8; at < png.length; at++) {
      const changed = Buffer.from(png);
      changed[at]! ^= 1 << (at % 8);
      const found = openPlainPng(changed)?.samples();
      if (found !== undefined) expect(found).toEqual(samples);
      expect(openPlainPng(png.subarray(0, at))).toBeUndefined();
    }
    expect(openPlainPng(Buffer.concat([png, Buffer.alloc(1)]))).toBeUndefined();
  });

  it('that this package writes is one, deflated at once or in a stream', async () => {
    for (const [height, width] of [
      [72, 73],
      [73, 73],
      [74, 74],
    ] as const) {
      const values = Float32Array.from({ length: height * width * 3 }, (_, i) => ((i * i) % 256) / 255);
      const rows = (async function* () {
        yield { start: 0, rows: height, values };
      })();
      const pieces: Uint8Array[] = [];
      for await (const piece of pngChunks({ shape: [height, width], channels: 3, rows })) pieces.push(piece);
      const samples = openPlainPng(Buffer.concat(pieces))?.samples();
      expect(samples).toEqual(Uint8Array.from(values, (v) => Math.round(255 * v)));
    }
  });
});
