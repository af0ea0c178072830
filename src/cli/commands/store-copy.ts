/** `functa store copy`: all functions of one store into another, here or in a database. */
import type { Command } from 'commander';
import type { Job, Report } from '../job.ts';
import { integer } from '../options.ts';
import type { RunCommand } from '../program.ts';

export function addStoreCopy(store: Command, run: RunCommand): void {
  store
    .command('copy')
    .description('copy a store into another, and compare them; goes on where it was interrupted')
    .argument('<from>', 'a directory, or postgres://USER@HOST/DATABASE#FUNCTASET')
    .argument('<to>', 'the same; made where it is not there')
    .option('--replace', 'put over functions of the same ids that are others', false)
    .option('--partitions <n>', 'of a new table; as many shards there can be; default: 8', integer(1, 256))
    .action(run(copy));
}

interface CopyFlags {
  readonly replace: boolean;
  readonly partitions?: number;
}

async function copy(job: Job, from: string, to: string, { replace, partitions }: CopyFlags): Promise<Report> {
  const { copyFunctions } = await import('../../functaset/index.ts');
  const { nameOfStore, openFunctionStore } = await import('../../postgres/index.ts');
  const source = await openFunctionStore(from, { readOnly: true });
  try {
    const { format: _, ...network } = source.info;
    const target = await openFunctionStore(to, { network, name: nameOfStore(from), partitions });
    try {
      const done = await job.progress('copy', 'functions', (progress) =>
        copyFunctions(source, target, {
          replace,
          signal: job.signal,
          onProgress: (count, total) => progress.update(count, total),
        }),
      );
      const { functions, copied, there } = done;
      return {
        data: { from: source.name, to: target.name, ...done },
        lines: [
          `${target.name}: ${copied} functions copied${there > 0 ? `, ${there} were there` : ''}; all ${functions} compared and the same`,
        ],
      };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
