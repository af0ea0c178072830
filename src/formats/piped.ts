/** Pieces of bytes through a transform of node:stream. */
import { once } from 'node:events';
import type { Transform } from 'node:stream';

/** What comes out of `through` as `pieces` go in; it is destroyed when nobody asks for more. */
export async function* piped(
  pieces: AsyncIterable<Uint8Array>,
  through: Transform,
): AsyncGenerator<Uint8Array> {
  const feed = (async () => {
    for await (const piece of pieces) {
      if (!through.write(piece) && !through.destroyed) await once(through, 'drain');
    }
    through.end();
  })();
  feed.catch((error: Error) => through.destroy(error));
  try {
    for await (const data of through) yield data as Uint8Array;
    await feed;
  } finally {
    through.destroy();
  }
}
