/** Signals as answers: pictures and arrays, streamed when they are large. */
import type { Signal } from '../datasets/signal.ts';
import { pointCount } from '../src/field/spec.ts';
import { type RowStream, signalChunks, signalRows } from '../src/pipeline/index.ts';
import { formatOfType } from './media.ts';

/** Answers of at most this many samples are made whole and carry their length. */
const wholeSamples = 2 ** 17;

/**
 * A decoded signal in the media type asked for. The first piece is made before the answer begins, so that a fault
 * there is a problem and not a broken picture.
 */
export async function replyRows(
  stream: RowStream,
  type: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const chunks = signalChunks(stream, formatOfType(type));
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
  type: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return replyRows(signalRows(signal), type, headers);
}

/** What reading a signal left out, as a header of one line; without any, no header. */
export function notesHeader(notes: readonly string[] = []): Record<string, string> {
  // a header holds ASCII
  return notes.length === 0 ? {} : { 'functa-notes': notes.join('; ').replace(/[^\x20-\x7e]/g, '?') };
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
