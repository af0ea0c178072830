/** Functions for a functaset that is there: a store of them, which the server's writer takes over when the work is done. */
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BadInputError } from '../../../src/core/errors.ts';
import { labelForms } from '../../../src/core/label.ts';
import { checkLimit } from '../../../src/core/limits.ts';
import { type FunctionRecord, openFunctaset } from '../../../src/functaset/index.ts';
import { networkOf } from '../../../src/session/store.ts';
import { Shelf } from '../../work/shelf.ts';
import { intake } from '../../work/verbs/intake.ts';
import { loadJobModel } from '../model.ts';
import type { Outcome } from '../outcome.ts';
import type { SpecOf } from '../specs.ts';
import { buildStore } from './build.ts';
import type { JobWork, WorkContext } from './index.ts';

const job = 'add';
const directory = 'store';

export const add: JobWork<'add'> = (spec, context) =>
  spec.type === undefined ? buildStore(spec, context) : takePosted(spec, spec.type, context);

/** What a request to add functions would have kept. Throws BadInputError `all-failed`. */
async function takePosted(
  {
    functaset,
    label,
    quality,
    maxError,
    keep,
    effort,
    steps,
    as = 'signals',
    size,
    variable,
    grid,
    ...spec
  }: SpecOf<'add'>,
  type: string,
  { engine, limits, inputs, places, onEvent, signal }: WorkContext,
): Promise<Outcome> {
  const model = await loadJobModel(inputs.model!);
  const bytes = new Uint8Array(await readFile(places.upload));
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'send the functions in several jobs');
  onEvent({ type: 'start', job, total: 1, done: 0, unit: 'bodies' });
  const { head } = await intake(
    new Shelf(engine, limits),
    {
      ...{ model: inputs.model!, functaset: inputs.target!, bytes, contentType: type },
      ...{ quality, maxError, keep, effort, steps, as, size, parts: { variable, grid } },
      named: {
        id: spec.id,
        label: label === undefined ? undefined : labelForms(label)[0],
        metadata: spec.metadata,
      },
      // a job that is done again gives its function the same name
      fresh: basename(places.directory),
    },
    signal,
  );
  if ('answered' in head) throw new BadInputError('all-failed', `functaset ${functaset} has them already`);
  const { items, faults } = head;
  for (const { at, id, detail, code } of faults)
    onEvent({ type: 'note', job, message: `function ${at}, ${id}: ${detail} [${code}]` });
  const records = new Map<string, FunctionRecord>();
  for (const { record } of items) if (!records.has(record.id)) records.set(record.id, record);
  if (records.size === 0)
    throw new BadInputError(
      'all-failed',
      `none of ${faults.length} functions could be kept: ${faults[0]?.detail}`,
    );
  const path = join(places.work, directory);
  await rm(path, { recursive: true, force: true });
  const store = await openFunctaset(path, { network: networkOf(model) });
  try {
    await store.transact((transaction) => {
      for (const record of records.values()) transaction.put(record);
    });
  } finally {
    await store.close();
  }
  const refused = faults.length + items.length - records.size;
  return { functaset: { directory }, figures: { functions: records.size, refused } };
}
