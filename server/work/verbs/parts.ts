/** Questions to a part of a functaset, and what whoever asks the parts looks up in the whole first. */
import { createHash } from 'node:crypto';
import { type Gaussian, openGaussian } from '../../../prior/gaussian/index.ts';
import { BadInputError, ConflictError } from '../../../src/core/errors.ts';
import { decodeRecord, recordOf } from '../../../src/functaset/index.ts';
import { ownPriorFile } from '../../../src/jobs/own-prior.ts';
import { type Mark, markOf } from '../../../src/postgres/mark.ts';
import { checkNames, collectAnswer, type QueryRequest, runQuery } from '../../../src/query/index.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, ModelRef, Shelf } from '../shelf.ts';
import { whole } from '../signals.ts';
import { readerOf } from './query.ts';

interface Of {
  readonly model: ModelRef;
  readonly functaset: FunctasetRef;
  readonly request: QueryRequest;
}

/** What a question to parts carries along, from the whole functaset. */
export interface Prepared {
  /** The functaset that the parts are to be of. */
  readonly mark: Mark | undefined;
  readonly functions: number;
  /** The function that the question names. */
  readonly named?: { readonly id: string; readonly record: Uint8Array } | undefined;
  /** The own prior of the functaset. */
  readonly prior?: PriorFile | undefined;
  /** Why there is none: functions are ranked by the bits that are stored. */
  readonly why?: string | undefined;
}

export interface PriorFile {
  readonly sha256: string;
  /** Absent: it was given before. */
  readonly bytes?: Uint8Array | undefined;
}

/** Throws NotFoundError `unknown-function`, `unknown-label`, BadInputError `own-prior`, and what making the prior throws. */
export async function prepareParts(
  shelf: Shelf,
  { model: ref, functaset, request }: Of,
  signal: AbortSignal,
): Promise<Made<Prepared>> {
  const open = await shelf.model(ref);
  const { store } = await shelf.functaset(functaset, open);
  const fn = checkNames(store, request as Parameters<typeof checkNames>[1]);
  const named = fn && { id: fn.id, record: recordOf(fn).bytes };
  const head = { mark: markOf(store), functions: store.count, named };
  const isOwn = request.kind === 'unlikely' && (request.prior === undefined || request.prior === 'own');
  if (!isOwn || store.count === 0) return { head };
  try {
    const { bytes } = await ownPriorFile({ ...open, engine: shelf.engine }, store, { signal });
    return { head: { ...head, prior: { sha256: sha256Of(bytes), bytes } } };
  } catch (error) {
    if (request.prior !== undefined || !(error instanceof BadInputError)) throw error;
    return { head: { ...head, why: error.message } };
  }
}

/** The answer of the part that is held here, as one JSON object: `of`, the mark of the replica, and `answer`. */
export async function queryPart(
  shelf: Shelf,
  {
    model: ref,
    functaset,
    request,
    named,
    prior,
    shown,
  }: Of & Pick<Prepared, 'named' | 'prior'> & { readonly shown?: readonly string[] | undefined },
  signal: AbortSignal,
): Promise<Made<null>> {
  const open = await shelf.model(ref);
  const { store, indexes } = await shelf.functaset(functaset, open);
  const { engine, limits } = shelf;
  const { model } = open;
  const of = markOf(store);
  const part = {
    named: named && decodeRecord(named.id, named.record),
    prior: prior && gaussianOf(prior, model.networkId),
    shown,
  };
  const readSignal = readerOf(open, limits, []);
  const context = { store, model, engine, indexes, limits, readSignal, part };
  const answer = await collectAnswer(await runQuery(context, request, { signal }));
  return { head: null, bytes: whole(new TextEncoder().encode(JSON.stringify({ of, answer }))) };
}

const mostPriors = 8;
/** Of this thread, by their digests, the one used last at the end. */
const priors = new Map<string, Gaussian>();

/** Throws ConflictError `prior-needed`, BadInputError `prior-digest`. */
function gaussianOf({ sha256, bytes }: PriorFile, networkId: string): Gaussian {
  let found = priors.get(sha256);
  if (found === undefined) {
    if (bytes === undefined) {
      throw new ConflictError('prior-needed', 'this prior is not here; send its bytes as well');
    }
    if (sha256Of(bytes) !== sha256) {
      throw new BadInputError(
        'prior-digest',
        'these bytes are not those of the digest; send the prior again',
      );
    }
    found = openGaussian(bytes, { networkId });
  }
  priors.delete(sha256);
  priors.set(sha256, found);
  if (priors.size > mostPriors) priors.delete(priors.keys().next().value!);
  return found;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
