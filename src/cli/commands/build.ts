/** `functa build`: a data set to a functaset. */

import type { Command } from 'commander';
import type { Split } from '../../../datasets/dataset.ts';
import { withParts } from '../../../datasets/parts.ts';
import type { PriorKind } from '../../../prior/kinds.ts';
import type { BuildResult } from '../../jobs/types.ts';
import type { Keeping } from '../../session/keeping.ts';
import { follow } from '../events.ts';
import type { Job, Report } from '../job.ts';
import { modelOption, withEngine } from '../models.ts';
import { modelOfData } from '../models-of.ts';
import {
  cacheOption,
  dataOption,
  effortOption,
  gridOption,
  integer,
  keepOption,
  type PartFlags,
  priorOption,
  qualityOption,
  splitOrAllOption,
  variableOption,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { durationText } from '../progress.ts';
import { resumable } from '../resume.ts';
import { psnrText } from '../text.ts';

interface BuildFlags extends PartFlags {
  readonly model?: string;
  readonly data: string;
  readonly split: Split | 'all';
  readonly strict: boolean;
  readonly limit?: number;
  readonly resume: boolean;
  readonly quality: number;
  readonly effort: number;
  /** Checked by the library. */
  readonly prior?: PriorKind;
  readonly keep: Keeping;
  readonly batch?: number;
  readonly cacheDir?: string;
}

export function addBuild(program: Command, run: RunCommand): void {
  program
    .command('build')
    .description('code every signal of a data set into a store of functions')
    .argument('<store>', 'the directory of the store; made if it is not there')
    .requiredOption(...dataOption)
    .addOption(variableOption())
    .addOption(gridOption())
    .addOption(splitOrAllOption('all'))
    .option(...modelOption)
    .option('--limit <n>', 'only the first n signals', integer(1))
    .option('--strict', 'stop at a signal that cannot be read or coded, instead of leaving it out', false)
    .option('--resume', 'go on after what the store holds', false)
    .option(...qualityOption)
    .option(...effortOption)
    .option(...priorOption)
    .addOption(keepOption())
    .option('--batch <n>', 'signals adapted together', integer(1, 4096))
    .option(...cacheOption)
    .action(run(build));
}

async function build(job: Job, store: string, flags: BuildFlags): Promise<Report> {
  const { buildFunctaset } = await import('../../jobs/index.ts');
  const { data, variable, grid, ...rest } = flags;
  const dataset = withParts(data, { variable, grid });
  const model = await modelOfData(job, dataset, flags);
  let stored = 0;
  const result = await resumable(
    () => `${stored} functions are stored in ${store}`,
    () =>
      withEngine(job, (engine) =>
        follow(job, `build ${dataset}`, ({ onEvent }) =>
          buildFunctaset({
            ...rest,
            data: dataset,
            path: store,
            model,
            engine,
            limits: job.limits,
            onEvent,
            onFlushed: (ids) => {
              stored += ids.length;
            },
            signal: job.signal,
          }),
        ),
      ),
  );
  return {
    data: { ...result, dataset, split: flags.split, model: model.card.name, modelId: model.id },
    lines: [
      `${store}: ${countsText(result)}; ${result.total} functions in all, ${result.bitsPerPoint.toFixed(3)} bits per point, ${psnrText(result.psnrDbMeanOfItems)}, ${durationText(result.seconds)}`,
    ],
  };
}

/** `20 signals found, 18 added, 1 there already, 1 left out`. */
function countsText({ found, added, there, skipped }: BuildResult): string {
  return [
    `${found} signals found`,
    `${added} added`,
    ...(there > 0 ? [`${there} there already`] : []),
    ...(skipped > 0 ? [`${skipped} left out`] : []),
  ].join(', ');
}
