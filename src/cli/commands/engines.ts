/** `functa engines`: which engines this machine has, what they are worth here, and why the others are not here. */
import type { Command } from 'commander';
import type { EngineState } from '../../engine/index.ts';
import type { Job, Report } from '../job.ts';
import { integer } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { columns } from '../text.ts';

interface EngineFlags {
  readonly rounds: number;
}

export function addEngines(program: Command, run: RunCommand): void {
  program
    .command('engines')
    .description('list the engines, why some are not here, and time each on a small job')
    .option('--rounds <n>', 'how often each job is timed', integer(1, 1000), 3)
    .action(run(engines));
}

async function engines(job: Job, { rounds }: EngineFlags): Promise<Report> {
  const { engineNamed, listEngines } = await import('../../engine/index.ts');
  const { engine, threads } = job.globals;
  const named = engineNamed(engine);
  const names = named && [named];
  const found = await listEngines({ names, threads, rounds, signal: job.signal });
  return { data: { rounds, engines: found }, lines: linesOf(found, rounds) };
}

/** A table, and below it what else could compute there. */
export function linesOf(found: readonly EngineState[], rounds: number): string[] {
  const rows = found.map((state) => {
    if (!state.present) return [state.name, '-', `not here: ${state.why}`];
    const { adaptMs, pointsPerSecond } = state.timing;
    return [
      state.name,
      String(state.threads),
      `${adaptMs.toPrecision(3)} ms`,
      `${(pointsPerSecond / 1e6).toPrecision(3)} Mpoint/s`,
    ];
  });
  const backends = found.flatMap((state) => (state.present && state.backend ? [state.backend] : []));
  return [
    ...columns([['engine', 'threads', 'adapt', 'evaluate'], ...rows]),
    `adapt: 4 signals of 16 x 16, 3 steps; evaluate: 64 x 64 points; pyramid of width 64, best of ${rounds}`,
    ...backends.flatMap(({ name, absent }) => [
      `tfjs runs on ${name}`,
      ...absent.map(({ backend, why }) => `  ${backend} is not used: ${why}`),
    ]),
  ];
}
