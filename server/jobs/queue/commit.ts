/** What a job made, written to a shared database within the transaction that says that it is done. It may be begun again. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConflictError, NotFoundError } from '../../../src/core/errors.ts';
import { checkLimit } from '../../../src/core/limits.ts';
import { type Functaset, type FunctionRecord, openFunctaset } from '../../../src/functaset/index.ts';
import {
  type Database,
  type End,
  findSharedModel,
  insertWithin,
  makeFunctaset,
  mergeWithin,
  openPostgresFunctaset,
  PostgresFunctaset,
  type SharedFiles,
  type Transaction,
} from '../../../src/postgres/index.ts';
import { newId } from '../ids.ts';
import type { JobLimits } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import { finite } from '../publish.ts';
import type { JobPlaces, JobRecord, JobResult } from '../record.ts';
import type { SharedModels } from './models.ts';
import { eventOf, ownerOf } from './record.ts';

export interface CommitContext {
  readonly database: Database;
  readonly files: SharedFiles;
  readonly models: SharedModels;
  readonly limits: Pick<JobLimits, 'sharedBytes'>;
  readonly now: () => Date;
}

/** Functions and bytes that are given to the database at once. */
const mostFunctions = 2000;
const mostBytes = 2 ** 23;

/** `record`: as the database has it. Throws ConflictError `name-taken`, `functaset-changed`, `model-replaced`, LimitError `limit-shared-bytes`, what the database says. */
export async function commit(
  context: CommitContext,
  transaction: Transaction,
  record: JobRecord,
  places: JobPlaces,
  outcome: Outcome,
): Promise<End> {
  const result: { -readonly [M in keyof JobResult]: JobResult[M] } = { figures: finite(outcome.figures) };
  const { functaset, model, file } = outcome;
  let resultFile: string | undefined;
  if (functaset !== undefined) {
    const local = await openFunctaset(join(places.work, functaset.directory), { readOnly: true });
    try {
      const figures = await commitFunctions(context, transaction, record, local);
      Object.assign(result.figures, figures);
    } finally {
      await local.close();
    }
    result.functaset = (record.spec as { functaset: string }).functaset;
  }
  if (model !== undefined) {
    result.model = await commitModel(context, transaction, record, places, model);
    result.modelId = model.id;
  }
  if (file !== undefined) {
    const path = join(places.work, file.file);
    const { size } = await stat(path);
    checkLimit('shared-bytes', size, context.limits.sharedBytes, 'ask for less at once');
    resultFile = newId(context.now());
    const owner = { id: resultFile, namespace: record.namespace, kind: 'result' } as const;
    await context.files.keepIn(transaction.client, owner, () => createReadStream(path));
    result.mediaType = file.mediaType;
    result.fileBytes = size;
  }
  return { state: 'done', result, resultFile, event: eventOf({ type: 'end', state: 'done', result }) };
}

async function commitFunctions(
  { database }: CommitContext,
  transaction: Transaction,
  { spec, namespace, inputs }: JobRecord,
  local: Functaset,
): Promise<Record<string, number>> {
  if (spec.kind === 'build') {
    const of = { namespace, name: spec.functaset };
    const { format: _, ...network } = local.info;
    const row = await makeFunctaset(transaction.client, of, network);
    if (row === undefined)
      throw new ConflictError(
        'name-taken',
        `there is a functaset ${spec.functaset} by now; remove it, or ask with another name`,
      );
    const set = new PostgresFunctaset(database, of, row);
    for (const page of pagesOf(local)) await insertWithin(transaction, set, page);
    return {};
  }
  const { name, path, networkId } = inputs.target!;
  const set = await openPostgresFunctaset(database, ownerOf(path)).catch((error: unknown) => {
    // a database that is away says nothing of the functaset
    if (error instanceof NotFoundError) return undefined;
    throw error;
  });
  if (set?.info.networkId !== networkId)
    throw new ConflictError(
      'functaset-changed',
      `functaset ${name} is gone or another by now; ask for the job again`,
    );
  const replace = spec.kind === 'add' && spec.replace === true;
  let [added, there] = [0, 0];
  for (const page of pagesOf(local)) {
    const merged = await mergeWithin(transaction, set, page, { replace });
    added += merged.added;
    there += merged.there;
  }
  return { added, there };
}

async function commitModel(
  { models }: CommitContext,
  transaction: Transaction,
  { spec, namespace, inputs }: JobRecord,
  places: JobPlaces,
  { file, id, beside }: NonNullable<Outcome['model']>,
): Promise<string> {
  const before = inputs.model;
  const asked = spec.kind === 'learn' ? spec.model! : (spec as Extract<typeof spec, { kind: 'prior' }>).as;
  const name = asked ?? before!.name;
  const replaces = spec.kind === 'prior' && name === before!.name;
  const found = await findSharedModel(transaction.client, { namespace, name });
  if (replaces && found?.digest !== before!.id)
    throw new ConflictError(
      'model-replaced',
      `model ${name} was replaced or removed while its priors were trained; train them again`,
    );
  if (!replaces && found !== undefined)
    throw new ConflictError(
      'name-taken',
      `there is a model ${name} by now; remove it, or ask with another name`,
    );
  const inWork = (given: string) => join(places.work, given);
  await models.change(
    transaction,
    { namespace, name },
    {
      digest: id,
      alone: !replaces,
      paths: {
        ...(file === undefined ? {} : { model: inWork(file) }),
        ...Object.fromEntries(beside.map((one) => [one.kind, inWork(one.file)])),
      },
    },
  );
  return name;
}

function* pagesOf(local: Functaset): Generator<readonly FunctionRecord[]> {
  let page: FunctionRecord[] = [];
  let bytes = 0;
  for (const record of local.records()) {
    page.push(record);
    bytes += record.bytes.length;
    if (page.length < mostFunctions && bytes < mostBytes) continue;
    yield page;
    [page, bytes] = [[], 0];
  }
  if (page.length > 0) yield page;
}
