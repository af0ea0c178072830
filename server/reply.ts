/** Answers of workers as answers to requests: whole with their length where they are small, else as they are made. */
import { pieceBytes } from './response.ts';
import type { AnswerOf } from './work/ask.ts';

export function answerReply(
  { bytes, rest }: Pick<AnswerOf<unknown>, 'bytes' | 'rest'>,
  headers: Readonly<Record<string, string>>,
): Response {
  return rest === undefined ? bytesReply(bytes, headers) : new Response(readable(bytes, rest), { headers });
}

/** All bytes of an answer, in memory; of files, which have a limit. */
export async function gathered({
  bytes,
  rest,
}: Pick<AnswerOf<unknown>, 'bytes' | 'rest'>): Promise<Uint8Array> {
  if (rest === undefined) return bytes;
  const pieces = [bytes];
  for await (const piece of rest) pieces.push(piece);
  return Buffer.concat(pieces);
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

function readable(first: Uint8Array, rest: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = rest[Symbol.asyncIterator]();
  let held = first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        while (held.length === 0) {
          const next = await iterator.next();
          if (next.done) return controller.close();
          held = next.value;
        }
        controller.enqueue(held.subarray(0, pieceBytes));
        held = held.subarray(pieceBytes);
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
