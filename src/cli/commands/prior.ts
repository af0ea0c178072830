/** `functa prior`: distributions over the modulations of a model. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Split } from '../../../datasets/dataset.ts';
import { withParts } from '../../../datasets/parts.ts';
import type { AnyPrior } from '../../../prior/kinds.ts';
import { defaultQuality } from '../../field/at-quality.ts';
import { follow } from '../events.ts';
import { UsageError } from '../exit.ts';
import { checkFileOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { withEngine } from '../models.ts';
import {
  cacheOption,
  dataOption,
  effortOption,
  gridOption,
  integer,
  integers,
  list,
  type PartFlags,
  reals,
  splitOption,
  variableOption,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { durationText } from '../progress.ts';
import { columns } from '../text.ts';
import { addPriorDistil } from './prior-distil.ts';
import { addPriorSampling } from './prior-sampling.ts';

/** What a directory that is a store holds. */
const storeFile = 'data.mdb';

interface PriorFlags extends PartFlags {
  readonly model: string;
  readonly output?: string;
  readonly force: boolean;
  /** Checked by the library. */
  readonly kinds?: readonly AnyPrior[];
  readonly functaset?: string;
  readonly data?: string;
  readonly split: Split;
  readonly limit?: number;
  readonly effort: number;
  readonly qualities?: readonly number[];
  readonly codedOnly: boolean;
  readonly goOn: boolean;
  readonly parts: boolean;
  readonly turns?: number;
  readonly steps?: number;
  readonly width?: number;
  readonly blocks?: number;
  readonly batch?: number;
  readonly noise?: readonly number[];
  readonly seed?: number;
  readonly cacheDir?: string;
}

export function addPrior(program: Command, run: RunCommand): void {
  const prior = program.command('prior').description('make priors for a model');
  prior
    .command('train')
    .description('train priors on the modulations of a store, or of a data set that is adapted first')
    .requiredOption(
      '-m, --model <file>',
      'the model file that gets the priors, or the name of one in models/',
    )
    .option('-o, --output <file>', 'write the model here instead')
    .option('-f, --force', 'replace priors of these kinds, and the output, if they exist', false)
    .option(
      '--kinds <list>',
      'of histogram, factorized, autoregressive, diffusion, flow, gaussian, between commas; default: the first three',
      list,
    )
    .option(
      '--go-on',
      'go on from the diffusion that is there, which --force then replaces, and teach it parts that are known',
      false,
    )
    .option('--no-parts', 'go on with whole signals alone')
    .option('--functaset <store>', 'a store made with this model')
    .option(...dataOption)
    .addOption(variableOption())
    .addOption(gridOption())
    .addOption(splitOption('train'))
    .option('--limit <n>', 'only n signals, evenly spread over all', integer(1))
    .option(...effortOption)
    .option('--qualities <list>', 'qualities that items are coded at, between commas', integers(1, 100))
    .option('--coded-only', 'leave out what effort 1 would code', false)
    .option('--turns <n>', 'how often a signal is taken, mirrored every second time', integer(1))
    .option('--steps <n>', 'training steps of each prior', integer(1))
    .option(
      '--width <n>',
      'channels of a token of a diffusion, a multiple of 4; default: 128',
      integer(4, 1024),
    )
    .option('--blocks <n>', 'layers of a diffusion; default: 5', integer(1, 32))
    .option('--batch <n>', 'items a step of a diffusion; default: 64', integer(1, 4096))
    .option(
      '--noise <from,to>',
      'noise levels that two thirds of the training items of a diffusion lie between; default: 0.18,2',
      reals(0.001, 100),
    )
    .option('--seed <n>', 'where the random numbers start', integer(0))
    .option(...cacheOption)
    .action(run(train));
  prior
    .command('adapt <source>')
    .description(
      "adapt a model's prior to a store, or to data: NAME:DIRECTORY, or a data set; what is coded with the file it writes, as with a model, takes fewer bytes, and needs it",
    )
    .requiredOption('-m, --model <file>', 'the model file, or the name of one in models/')
    .requiredOption('-o, --output <file>', 'where the adapted prior is written')
    .option('-f, --force', 'replace the output, if it exists', false)
    .option('--quality <q>', 'that the signals of a folder are coded at', integer(1, 100), defaultQuality)
    .option(...effortOption)
    .option('--limit <n>', 'only n signals, evenly spread over all', integer(1))
    .option('--steps <n>', 'training steps of each of two turns; default: 400', integer(1))
    .option('--seed <n>', 'where the random numbers start', integer(0))
    .option(...cacheOption)
    .action(run(adapt));
  addPriorSampling(prior, run);
  addPriorDistil(prior, run);
}

interface AdaptFlags {
  readonly model: string;
  readonly output: string;
  readonly force: boolean;
  readonly quality: number;
  readonly effort: number;
  readonly limit?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly cacheDir?: string;
}

/** A directory that holds a store is one; all else is data. */
async function sourceOf(source: string): Promise<{ readonly functaset: string } | { readonly data: string }> {
  const isStore = await stat(join(source, storeFile)).then(
    (found) => found.isFile(),
    () => false,
  );
  return isStore ? { functaset: source } : { data: source };
}

async function adapt(job: Job, source: string, flags: AdaptFlags): Promise<Report> {
  const { findModel } = await import('../../models/index.ts');
  const { adaptPrior } = await import('../../jobs/index.ts');
  const { model: ref, output: out, force, ...rest } = flags;
  await checkFileOutput(out, force);
  const modelPath = await findModel(ref);
  const from = await sourceOf(source);
  const found = await withEngine(job, (engine) =>
    follow(job, 'prior', ({ onEvent }) =>
      adaptPrior({
        ...{ ...rest, ...from, replace: force, engine, modelPath, out },
        ...{ threads: job.globals.threads, onEvent, signal: job.signal },
      }),
    ),
  );
  const { path, model, signals, bytesBefore, bytesAfter, fileBytes, seconds } = found;
  const saved = 1 - (bytesAfter * signals + fileBytes) / (bytesBefore * signals);
  return {
    data: {
      path,
      model: model.card.name,
      modelId: model.id,
      signals,
      bytesBefore,
      bytesAfter,
      fileBytes,
      saved,
      seconds,
    },
    lines: [
      `${path}: prior of ${model.card.name} for ${signals} signals, ${fileBytes} bytes, ${durationText(seconds)}`,
      `${bytesBefore.toFixed(1)} bytes a signal become ${bytesAfter.toFixed(1)}; ${(100 * saved).toFixed(1)} % saved with the prior's own bytes counted`,
    ],
  };
}

async function train(job: Job, flags: PriorFlags): Promise<Report> {
  if ((flags.functaset === undefined) === (flags.data === undefined)) {
    throw new UsageError('one-source', 'give either --functaset or --data to learn from');
  }
  const { findModel } = await import('../../models/index.ts');
  const { trainPrior } = await import('../../jobs/index.ts');
  const { model: ref, output: out, data, variable, grid, force, ...rest } = flags;
  const dataset = data === undefined ? undefined : withParts(data, { variable, grid });
  if (out !== undefined) await checkFileOutput(out, force);
  const modelPath = await findModel(ref);
  const { path, model, files, bitsPerPoint, seconds } = await withEngine(job, (engine) =>
    follow(job, 'prior', ({ onEvent }) =>
      trainPrior({
        ...rest,
        replace: force,
        engine,
        modelPath,
        out,
        data: dataset,
        threads: job.globals.threads,
        onEvent,
        signal: job.signal,
      }),
    ),
  );
  return {
    data: { path, model: model.card.name, modelId: model.id, files, bitsPerPoint, seconds },
    lines: [
      ...files.map((file) => `${file}: of ${model.card.name}, ${durationText(seconds)}`),
      ...(Object.keys(bitsPerPoint).length === 0
        ? []
        : [
            `${path}: ${model.card.name} with ${Object.keys(bitsPerPoint).length} priors, ${durationText(seconds)}`,
          ]),
      ...columns(
        Object.entries(bitsPerPoint).map(([kind, bits]) => [kind, `${bits.toFixed(4)} bits per point`]),
      ),
    ],
  };
}
