/** `functa worker`: does the jobs of a database that several servers share, until it is told to stop. */
import type { Command } from 'commander';
import type { Job, Report } from '../job.ts';
import { collect, integer } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { configReport, configured, type ServeFlags } from './serve-config.ts';

interface WorkerFlags
  extends Pick<ServeFlags, 'config' | 'printConfig' | 'models' | 'home' | 'store' | 'allowDirectory'> {
  readonly running?: number;
}

export function addWorker(program: Command, run: RunCommand): void {
  program
    .command('worker')
    .description(
      'do the jobs that servers took in with --store, on this machine; stops when it is interrupted, and gives back what is at work',
    )
    .option(
      '--config <file>',
      'settings in JSON, those of serve; default: $FUNCTA_CONFIG; flags and FUNCTA_* count before it',
    )
    .option('--print-config', 'print every setting, its value and where that comes from, and leave')
    .option(
      '--store <address>',
      'postgres://USER@HOST/DATABASE: where the jobs are; its password may be in $PGPASSWORD',
    )
    .option('--home <directory>', 'where it works, not that of a server; what is there may be lost')
    .option('--running <n>', 'jobs at once, each in a process of its own; default: 1', integer(1, 1024))
    .option(
      '--models <directory>',
      'directory of model files, may be repeated, those of the servers; default: the bundled ones',
      collect,
    )
    .option(
      '--allow-directory <name=path>',
      'a directory whose signals jobs may read, may be repeated; under the names of the servers',
      collect,
    )
    .action(run(work));
}

async function work(job: Job, { running, ...flags }: WorkerFlags): Promise<Report | undefined> {
  const { startWorker } = await import('../../../server/index.ts');
  const found = await configured(job, { ...flags, ...(running === undefined ? {} : { jobs: { running } }) });
  if (flags.printConfig) return configReport(found);
  const { config } = found;
  let told = '';
  const worker = await startWorker({
    ...config,
    signal: job.signal,
    onFault: (error) => {
      const text = error instanceof Error ? error.message : String(error);
      // a database that is away says the same every half second
      if (text !== told) job.note(text);
      told = text;
    },
  });
  const { store, places } = worker;
  await job.present({
    data: { store, places },
    lines: [`functa takes jobs from ${store}, ${places} at once`],
  });
  await worker.closed;
  job.note('stopped');
  return undefined;
}
