/** Work for a request: a place, a worker, an answer. */
import { sep } from 'node:path';
import { ConflictError, FunctaError } from '../../src/core/errors.ts';
import { type Asker, untilDeadline } from '../asker.ts';
import type { ServerContext } from '../context.ts';
import type { WorkClass } from '../traffic/admission.ts';
import { type JobAnswer, type JobOptions, smallPatienceMs } from './pool.ts';
import type { ModelRef } from './shelf.ts';
import type { HeadOf, InputOf, VerbName } from './verbs/index.ts';

export interface AnswerOf<H> {
  readonly head: H;
  /** The first bytes: all of them where `rest` is absent. */
  readonly bytes: Uint8Array;
  /** Each piece is made in a turn of its own, when it is asked for. */
  readonly rest: AsyncIterable<Uint8Array> | undefined;
}

/** Codes of faults after which the models and functasets are looked at again. */
const changes: readonly string[] = ['model-replaced', 'model-unreadable', 'functaset-model'];

/**
 * Throws HttpFault 503 `overloaded`, 504 `deadline`, AbortedError when the client leaves, and what the verb throws. Pieces after the first
 * have no deadline.
 */
export async function ask<V extends VerbName>(
  context: ServerContext,
  verb: V,
  input: InputOf<V>,
  { class: kind, ...asker }: Asker & { readonly class: WorkClass },
): Promise<AnswerOf<HeadOf<V>>> {
  const { admission, pool } = context;
  const place = admission.enter({ class: kind, client: asker.client });
  try {
    const answer: JobAnswer<HeadOf<V>> = await untilDeadline(asker, (signal) =>
      place.run(signal, () => pool.ask(verb, input, { signal, ...patienceOf(kind) })),
    );
    const { head, bytes, rest } = answer;
    return { head, bytes, rest: rest && place.iterate(asker.signal, rest) };
  } catch (error) {
    throw noteChanges(context, error, input);
  } finally {
    place.release();
  }
}

/** Small work is waited for: it ends by itself sooner than another thread begins. */
export function patienceOf(kind: WorkClass): Pick<JobOptions, 'patienceMs'> {
  return kind === 'small' ? { patienceMs: smallPatienceMs } : {};
}

/** Has models and functasets looked at again after a fault that says that they are others by now, and says what the client is told. */
export function noteChanges(context: ServerContext, error: unknown, input: unknown): unknown {
  if (!(error instanceof FunctaError) || !changes.includes(error.code)) return error;
  void context.catalogue.refresh();
  return changedOverHttp(context, input) ?? error;
}

/** A model that was put, replaced or removed over HTTP while the request was under way: what waiting does not mend. */
function changedOverHttp({ home }: ServerContext, input: unknown): ConflictError | undefined {
  const { model } = input as { readonly model?: ModelRef };
  if (home === undefined || model?.path.startsWith(`${home.models}${sep}`) !== true) return undefined;
  return new ConflictError(
    'model-replaced',
    `model ${model.name} was replaced or removed while the request was under way; send it again`,
  );
}
