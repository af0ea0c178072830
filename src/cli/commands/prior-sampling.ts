/** `functa prior sampling`: what draws of a diffusion take where nothing is asked. */

import type { Command } from 'commander';
import type { Job, Report } from '../job.ts';
import { integer, real } from '../options.ts';
import type { RunCommand } from '../program.ts';

interface SamplingFlags {
  readonly model: string;
  readonly guidance?: number;
  readonly steps?: number;
}

export function addPriorSampling(prior: Command, run: RunCommand): void {
  prior
    .command('sampling')
    .description(
      "say in the diffusion's card what sample takes where nothing is asked; without options: tell what it says",
    )
    .requiredOption('-m, --model <file>', 'the model file, or the name of one in models/')
    .option('--guidance <w>', 'towards a label, where one is asked', real(0, 20))
    .option('--steps <n>', 'steps of the sampler', integer(1, 18))
    .action(run(sampling));
}

async function sampling(_job: Job, { model: ref, guidance, steps }: SamplingFlags): Promise<Report> {
  const { findModel } = await import('../../models/index.ts');
  const { setSampling } = await import('../../jobs/index.ts');
  const modelPath = await findModel(ref);
  const { path, sampling } = await setSampling({ modelPath, guidance, steps });
  const said = Object.entries(sampling).map(([what, value]) => `${what} ${value}`);
  return {
    data: { path, ...sampling },
    lines: [`${path}: where nothing is asked, ${said.join(', ') || "the sampler's own"}`],
  };
}
