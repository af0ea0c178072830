/** Signals as answers: pictures and arrays, streamed when they are large. */
import type { Signal } from '../datasets/signal.ts';
import { pointCount } from '../src/field/spec.ts';
import { npyChunks, pngChunks, type RowStream, signalRows } from '../src/pipeline/index.ts';
import { npyType, pngType } from './media.ts';

export type SignalType = typeof pngType | typeof npyType;

export const signalReplies: readonly SignalType[] = [pngType, npyType];

/** Answers of at most this many samples are made whole and carry their length. */
const wholeSamples = 2 ** 17;

/**
 * A decoded signal in the media type asked for. The first piece is made before the answer begins, so that a fault
 * there is a problem and not a broken picture.
 */
export async function replyRows(
  stream: RowStream,
  type: SignalType,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const chunks = type === pngType ? pngChunks(stream) : npyChunks(stream);
  const all = { 'content-type': type, ...headers };
  if (pointCount(stream.shape) <= wholeSamples) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return bytesReply(Buffer.concat(parts), all);
  }
  return new Response(await readable(chunks), { headers: all });
}

export function replySignal(
  signal: Signal,
  type: SignalType,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return replyRows(signalRows(signal), type, headers);
}

export function bytesReply(bytes: Uint8Array, headers: Readonly<Record<string, string>>): Response {
  const body = bytes as Uint8Array<ArrayBuffer>;
  return new Response(body, { headers: { 'content-length': String(bytes.length), ...headers } });
}

async function readable(chunks: AsyncIterable<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await iterator.next();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = first ?? (await iterator.next());
        first = undefined;
        if (!next.done) return controller.enqueue(next.value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
