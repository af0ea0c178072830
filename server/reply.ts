/** Answers of workers as answers to requests: whole with their length where they are small, else as they are made. */
import type { AnswerOf } from './work/ask.ts';

export function answerReply(
  { bytes, rest }: Pick<AnswerOf<unknown>, 'bytes' | 'rest'>,
  headers: Readonly<Record<string, string>>,
): Response {
  return rest === undefined ? bytesReply(bytes, headers) : new Response(readable(bytes, rest), { headers });
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
  let begun = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!begun) {
        begun = true;
        return controller.enqueue(first);
      }
      try {
        const next = await iterator.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
