/** Questions to a functaset, answered as one JSON object or line by line. */
import { FunctaError } from '../../../src/core/errors.ts';
import type { Limits } from '../../../src/core/limits.ts';
import { headlessTypeOf, kindOf, sniffFormat } from '../../../src/formats/formats.ts';
import {
  type CheckedAnswer,
  collectAnswer,
  endOf,
  type QueryContext,
  type QueryRequest,
  runQuery,
} from '../../../src/query/index.ts';
import { jsonType, type linesType } from '../../media.ts';
import { codeOf } from '../../problem.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, OpenModel, Shelf } from '../shelf.ts';
import { encodable, notLarger, readSignal, whole } from '../signals.ts';

/** Rows that go out together. */
const rowsPerPiece = 64;

export async function query(
  shelf: Shelf,
  {
    model: ref,
    functaset,
    request,
    as,
  }: {
    readonly model: ModelRef;
    readonly functaset: FunctasetRef;
    readonly request: QueryRequest;
    readonly as: typeof jsonType | typeof linesType;
  },
  signal: AbortSignal,
): Promise<Made<{ readonly notes: readonly string[] }>> {
  const open = await shelf.model(ref);
  const { store, indexes } = await shelf.functaset(functaset, open);
  const { engine, limits } = shelf;
  const { model } = open;
  const notes: string[] = [];
  const context = { store, model, engine, indexes, limits, readSignal: readerOf(open, limits, notes) };
  const answer = await runQuery(context, request, { signal });
  const head = { notes };
  if (as !== jsonType) return { head, bytes: encoded(linesOf(answer, signal)), live: true };
  return { head, bytes: whole(utf8(JSON.stringify(await collectAnswer(answer)))) };
}

/** Reads the signal of a question; what that leaves out goes to `notes`. */
export function readerOf({ model }: OpenModel, limits: Limits, notes: string[]): QueryContext['readSignal'] {
  return async (bytes, { variable, grid }, { isFragment = false } = {}) => {
    const onShape = isFragment ? notLarger(model, limits) : encodable(model, limits, 1);
    // a signal in JSON has no media type: bytes of no format are of the one that nothing tells, if the model's signals have such
    const type = sniffFormat(bytes) === undefined ? headlessTypeOf(kindOf(model.card)) : undefined;
    const found = await readSignal(bytes, model, limits, { onShape, variable, grid, type });
    notes.push(...(found.notes ?? []));
    return found;
  };
}

/** A fault on the way is the last line, `{"error": {code, detail}}`: the status has gone out before it. */
async function* linesOf(answer: CheckedAnswer, signal: AbortSignal): AsyncGenerator<string> {
  yield `${JSON.stringify(answer.head)}\n`;
  try {
    let rows: string[] = [];
    for await (const row of answer.rows) {
      rows.push(`${JSON.stringify(row)}\n`);
      if (rows.length < rowsPerPiece) continue;
      yield rows.join('');
      rows = [];
    }
    yield rows.join('');
  } catch (error) {
    if (signal.aborted) throw error;
    const detail = error instanceof FunctaError ? error.message : 'an unexpected fault of the server';
    yield `${JSON.stringify({ error: { code: codeOf(error), detail } })}\n`;
    return;
  }
  yield `${JSON.stringify(endOf(answer))}\n`;
}

async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of lines) yield utf8(text);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
