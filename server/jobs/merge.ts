/** Puts the functions that a job made into the functaset that they are for, a batch a transaction, each once however often it is begun again. */
import { ConflictError } from '../../src/core/errors.ts';
import type { Catalogue } from '../catalogue.ts';
import type { Pool } from '../work/pool.ts';
import type { Writer } from '../writer/writer.ts';
import type { JobRecord } from './record.ts';

/** Functions of one transaction: what else is written to the functaset waits for one of them. */
const batch = 500;

export interface MergeContext {
  readonly catalogue: Catalogue;
  readonly pool: Pool;
  readonly writer: Writer;
}

/**
 * How many there are now, and how many are not since others of their ids were there. Throws ConflictError `functaset-changed` where the
 * functaset is another by now, or gone.
 */
export async function merge(
  { catalogue, pool, writer }: MergeContext,
  { id: job, spec, inputs: { target } }: Pick<JobRecord, 'id' | 'spec' | 'inputs'>,
  made: string,
): Promise<{ readonly added: number; readonly there: number }> {
  const { name, path, networkId } = target!;
  const replace = spec.kind === 'add' && spec.replace === true;
  const store = { name: `what job ${job} made`, path: made };
  let [added, there] = [0, 0];
  try {
    for (let after: string | undefined; ; ) {
      const served = catalogue.functasets.find((one) => one.path === path);
      if (served?.networkId !== networkId)
        throw new ConflictError(
          'functaset-changed',
          `functaset ${name} is gone or another by now; ask for the job again`,
        );
      const { head: items } = await pool.ask('recordsOfStore', { store, after, limit: batch });
      if (items.length === 0) return { added, there };
      // the answer is kept with what it says, so that a batch that was written is not written again
      const keep = { key: `${job} ${after ?? ''}`, digest: job };
      const { body } = await writer.write(path, { kind: 'put', items, faults: [], replace, keep });
      const told = JSON.parse(new TextDecoder().decode(body)) as Record<'functions' | 'errors', unknown[]>;
      added += told.functions.length;
      there += told.errors.length;
      after = items.at(-1)!.record.id;
    }
  } finally {
    pool.forget(made);
  }
}
