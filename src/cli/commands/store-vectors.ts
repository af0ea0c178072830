/** `functa store vectors`: the vectors of a store in a table of pgvector, for programs that join them with other tables. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { Functaset } from '../../functaset/index.ts';
import type { PostgresFunctaset } from '../../postgres/index.ts';
import type { Metric } from '../../query/embedding.ts';
import type { Job, Report } from '../job.ts';
import { modelOfNetwork, modelOption, withEngine } from '../models.ts';
import type { RunCommand } from '../program.ts';

export function addStoreVectors(store: Command, run: RunCommand): void {
  store
    .command('vectors')
    .description(
      'write ids, labels and vectors into a table of pgvector, where distances rank as those of near do',
    )
    .argument('<store>', 'the directory of the store, or postgres://USER@HOST/DATABASE#FUNCTASET')
    .argument(
      '<database>',
      'postgres://USER@HOST/DATABASE, with the extension vector; its password may be in $PGPASSWORD',
    )
    .requiredOption(
      '--table <name>',
      'NAME or SCHEMA.NAME; one that is there is replaced, in one transaction',
    )
    .addOption(
      new Option('--metric <metric>', 'values: of fields on a grid; gram: of modulations, without evaluating')
        .choices(['values', 'gram'])
        .default('values'),
    )
    .option(...modelOption)
    .action(run(vectors));
}

interface VectorsFlags {
  readonly table: string;
  readonly metric: Metric;
  readonly model?: string;
}

async function vectors(
  job: Job,
  from: string,
  to: string,
  { table, metric, model: ref }: VectorsFlags,
): Promise<Report> {
  const { exportVectors, NearIndexes } = await import('../../query/index.ts');
  const { Database } = await import('../../postgres/index.ts');
  // it is known to be there before an index is made, which takes longer
  const database = await Database.open(to, { tables: 'none' });
  try {
    return await withLocal(from, async (store) => {
      const model = await modelOfNetwork(ref, from, store.info.networkId);
      const made = await withEngine(job, (engine) =>
        job.progress('vectors', 'functions', (progress) => {
          const indexes = new NearIndexes({ store, model, engine });
          const options = {
            ...{ table, metric, signal: job.signal },
            onProgress: (done: number, total: number) => progress.update(done, total),
          };
          return database.transaction(({ client }) => exportVectors(client, { store, indexes }, options));
        }),
      );
      const { functions, dimensions, indexed } = made;
      const lines = [
        `${table} in ${database.name}: ${functions} functions, vectors of ${dimensions} numbers`,
      ];
      if (!indexed)
        lines.push('no index: so many vectors are equal that one hides others; a search looks at every row');
      return { data: { store: from, database: database.name, table, metric, ...made }, lines };
    });
  } finally {
    await database.close();
  }
}

/** A store of this machine as it is, to be read; one of a database as a replica that goes when `work` is done. */
async function withLocal<T>(address: string, work: (store: Functaset) => Promise<T>): Promise<T> {
  const { isPostgres, openFunctionStore, Replica } = await import('../../postgres/index.ts');
  const { openFunctaset } = await import('../../functaset/index.ts');
  if (!isPostgres(address)) {
    const store = await openFunctaset(address.replace(/^lmdb:/, ''), { readOnly: true });
    return work(store).finally(() => store.close());
  }
  const { dropScratch, scratchBeside } = await import('../../disk/scratch.ts');
  const source = (await openFunctionStore(address, { readOnly: true })) as PostgresFunctaset;
  const scratch = scratchBeside(join(tmpdir(), 'functa-vectors'));
  try {
    const replica = await Replica.open(source, join(scratch, 'set'));
    try {
      await replica.catchUp();
      return await work(replica.local);
    } finally {
      await replica.close();
    }
  } finally {
    dropScratch(scratch);
    await source.close();
  }
}
