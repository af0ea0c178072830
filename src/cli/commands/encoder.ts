/** `functa encoder`: what predicts the modulations of a model. */
import type { Command } from 'commander';
import type { Split } from '../../../datasets/dataset.ts';
import { withParts } from '../../../datasets/parts.ts';
import { follow } from '../events.ts';
import { checkFileOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { withEngine } from '../models.ts';
import {
  cacheOption,
  dataOption,
  gridOption,
  integer,
  type PartFlags,
  splitOption,
  variableOption,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { durationText } from '../progress.ts';

interface LearnFlags extends PartFlags {
  readonly model: string;
  readonly data: string;
  readonly split: Split;
  readonly output?: string;
  readonly force: boolean;
  readonly limit?: number;
  readonly cacheDir?: string;
}

export function addEncoder(program: Command, run: RunCommand): void {
  const encoder = program
    .command('encoder')
    .description('predict the modulations of a model from samples, so that coding starts near its end');
  encoder
    .command('learn')
    .description(
      'learn the encoder of a model; it stands beside the model and is used from then on; a checkpoint lets the same command go on after a stop',
    )
    .requiredOption('-m, --model <file>', 'the model file, or the name of one in models/')
    .requiredOption(...dataOption)
    .addOption(variableOption())
    .addOption(gridOption())
    .addOption(splitOption('train'))
    .option('-o, --output <file>', 'write it here; default: beside the model, where it is found')
    .option('-f, --force', 'replace the output, if it exists', false)
    .option('--limit <n>', 'only n signals, evenly spread over all; default: 4096', integer(1))
    .option(...cacheOption)
    .action(run(learn));
}

async function learn(job: Job, flags: LearnFlags): Promise<Report> {
  const { findModel } = await import('../../models/index.ts');
  const { trainEncoder } = await import('../../jobs/index.ts');
  const { model: ref, output: out, data, variable, grid, force, ...rest } = flags;
  if (out !== undefined) await checkFileOutput(out, force);
  const modelPath = await findModel(ref);
  const found = await withEngine(job, (engine) =>
    follow(job, 'encoder', ({ onEvent }) =>
      trainEncoder({
        ...{ ...rest, data: withParts(data, { variable, grid }), replace: force },
        ...{ engine, modelPath, out, onEvent, signal: job.signal },
      }),
    ),
  );
  const { path, model, signals, figures, seconds } = found;
  return {
    data: { ...found },
    lines: [
      `${path}: encoder of ${model}, ${signals} signals, ${durationText(seconds)}`,
      ...Object.entries(figures).map(([name, value]) => `${name} ${value}`),
    ],
  };
}
