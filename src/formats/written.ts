/** Decoded signals as files. */

import type { RowStream } from '../signal/rows.ts';
import { collectRows } from '../signal/rows.ts';
import type { WrittenName } from './formats.ts';
import { npyChunks } from './npy-rows.ts';
import { pngChunks } from './png.ts';

/**
 * The pieces of a file in one of the formats that are written, made as the rows come where the format allows. Throws
 * BadInputError `not-a-picture` or `not-an-image` for what a picture cannot hold.
 */
export function signalChunks(stream: RowStream, format: WrittenName): AsyncIterable<Uint8Array> {
  switch (format) {
    case 'png':
      return pngChunks(stream);
    case 'npy':
      return npyChunks(stream);
    case 'webp':
      return webpChunks(stream);
    default:
      return format satisfies never;
  }
}

/** In one piece: the format is coded from all of a picture at once. */
async function* webpChunks(stream: RowStream): AsyncIterable<Uint8Array> {
  const { writeImage } = await import('./image.ts');
  const { shape, channels } = stream;
  const values = await collectRows(stream);
  yield await writeImage({ id: 'the picture', shape, channels, values }, 'webp', { lossless: true });
}
