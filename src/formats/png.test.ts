import { createDeflate, inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { RowStream, Rows } from '../signal/rows.ts';
import { pngChunks } from './png.ts';

function picture(
  height: number,
  width: number,
  channels: number,
  block: number,
): RowStream & { bytes: Uint8Array } {
  const bytes = new Uint8Array(height * width * channels);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 5) * 13) & 255;
  const row = width * channels;
  async function* rows(): AsyncIterable<Rows> {
    for (let start = 0; start < height; start += block) {
      const n = Math.min(block, height - start);
      const values = Float32Array.from(bytes.subarray(start * row, (start + n) * row), (v) => v / 255);
      yield { start, rows: n, values };
    }
  }
  return { shape: [height, width], channels, rows: rows(), bytes };
}

async function join(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('png', () => {
  it.each([
    [1, 1, 1, 1],
    [5, 7, 3, 2],
    [33, 17, 4, 33],
    [64, 300, 2, 10],
  ])(
    '%i x %i x %i written in blocks of %i rows reads back the same',
    async (height, width, channels, block) => {
      const stream = picture(height, width, channels, block);
      const png = await join(pngChunks(stream));
      const { data, info } = await sharp(png)
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      // sharp gives grey and alpha as RGBA
      const kept = channels === 2 ? data.filter((_, i) => i % 4 === 0 || i % 4 === 3) : data;
      expect([info.height, info.width]).toEqual([height, width]);
      expect(new Uint8Array(kept)).toEqual(stream.bytes);
    },
  );

  it('passes on a failure of the rows, whenever it comes', async () => {
    async function* rows(): AsyncIterable<Rows> {
      yield { start: 0, rows: 1, values: new Float32Array(3000) };
      throw new Error('rows failed');
    }
    await expect(join(pngChunks({ shape: [9, 1000], channels: 3, rows: rows() }))).rejects.toThrow(
      'rows failed',
    );
  });

  it('refuses what is no picture before a byte is written', () => {
    async function* rows(): AsyncIterable<Rows> {}
    expect(() => pngChunks({ shape: [9], channels: 1, rows: rows() })).toThrow(
      expect.objectContaining({ code: 'not-a-picture' }),
    );
  });
});

it('small pictures, deflated at once, are the chunks that a stream of zlib gives', async () => {
  for (const [height, width, channels] of [
    [1, 1, 1],
    [32, 32, 3],
    [63, 63, 4],
    [1, 5332, 3],
    [15_999 / 3, 2, 1],
  ] as const) {
    const stream = picture(height, width, channels, Math.max(1, height >> 1));
    for (let i = 0; i < stream.bytes.length; i++) stream.bytes[i] = (Math.imul(i, 2654435761) >>> 13) & 255;
    const found = await join(pngChunks(stream));
    const idat = chunksOf(found).filter(({ type }) => type === 'IDAT');
    const deflate = createDeflate({ level: 6 });
    deflate.end(inflateSync(Buffer.concat(idat.map(({ data }) => data))));
    const streamed: Uint8Array[] = [];
    for await (const piece of deflate) streamed.push(piece);
    expect(idat.map(({ data }) => Buffer.from(data))).toEqual(streamed);
  }
});

function chunksOf(png: Buffer) {
  const found: { readonly type: string; readonly data: Uint8Array }[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    found.push({ type: png.toString('latin1', at + 4, at + 8), data });
  }
  return found;
}
