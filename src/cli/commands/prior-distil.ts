/** `functa prior distil`: a diffusion that draws in few steps. */

import type { Command } from 'commander';
import { follow } from '../events.ts';
import type { Job, Report } from '../job.ts';
import { integer, integers, real } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { durationText } from '../progress.ts';

interface DistilFlags {
  readonly model: string;
  readonly output?: string;
  readonly force: boolean;
  readonly to?: readonly number[];
  readonly guidance?: number;
  readonly paths?: number;
  readonly steps?: number;
  readonly seed?: number;
}

export function addPriorDistil(prior: Command, run: RunCommand): void {
  prior
    .command('distil')
    .description(
      'teach a network of its own, beside the model, to draw in few steps what the diffusion draws in many; sample takes it where it is asked for so many steps',
    )
    .requiredOption('-m, --model <file>', 'the model file, or the name of one in models/')
    .option('-o, --output <file>', 'where it is written; default: beside the model, where it is found')
    .option('-f, --force', 'replace the distilled network, if there is one', false)
    .option('--to <list>', 'numbers of steps to learn, between commas; default: 1,2', integers(1, 8))
    .option(
      '--guidance <w>',
      "towards labels; these steps then take no other; default: what the diffusion's card says, else 1",
      real(0, 20),
    )
    .option('--paths <n>', 'samples of the diffusion to learn from; default: 16384', integer(16))
    .option('--steps <n>', 'training steps; default: 8000', integer(1))
    .option('--seed <n>', 'where the random numbers start', integer(0))
    .action(run(distil));
}

async function distil(job: Job, { model: ref, output: out, force, ...rest }: DistilFlags): Promise<Report> {
  const { findModel } = await import('../../models/index.ts');
  const { distilPrior } = await import('../../jobs/index.ts');
  const modelPath = await findModel(ref);
  const found = await follow(job, 'prior', ({ onEvent }) =>
    distilPrior({
      ...{ ...rest, out, replace: force, modelPath },
      ...{ threads: job.globals.threads, onEvent, signal: job.signal },
    }),
  );
  const { path, model, to, guidance, figures, seconds } = found;
  return {
    data: { path, model: model.card.name, modelId: model.id, to, guidance, figures, seconds },
    lines: [
      `${path}: ${to.join(' and ')} steps of ${model.card.name}, guidance ${guidance}, ${durationText(seconds)}`,
    ],
  };
}
