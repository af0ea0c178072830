/** Bytes as they go from a worker to the server's thread: in pieces of some size, each in memory of its own. */

export interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
}

/**
 * Joins chunks into pieces: the first of at least `first` bytes, so that a small answer is one, the others of at least
 * `others`; the last may be shorter, and is known to be the last. There is always one.
 */
export async function* pieces(
  chunks: AsyncIterable<Uint8Array>,
  { first, others }: { readonly first: number; readonly others: number },
): AsyncGenerator<Piece, void> {
  let pending: Uint8Array[] = [];
  let length = 0;
  let least = first;
  for await (const chunk of chunks) {
    // Only once there is more to come is a piece known not to be the last.
    if (length >= least) {
      yield { bytes: joined(pending, length), last: false };
      [pending, length, least] = [[], 0, others];
    }
    pending.push(chunk);
    length += chunk.length;
  }
  yield { bytes: joined(pending, length), last: true };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
