/** `functa complete`: the whole of a signal from a part of it. */

import { type Command, Option } from 'commander';
import type { KindThat } from '../../../prior/kinds.ts';
import type { Observation } from '../../complete/index.ts';
import type { SetCompleteOptions } from '../../complete/nearest.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Model } from '../../field/model.ts';
import { formatOfFile, signalFormats, titlesOf, togetherText } from '../../formats/formats.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, readInput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { chooseModel, modelOfStore, modelOption, withEngine } from '../models.ts';
import { modelOfCoarse, modelOfTable } from '../models-of.ts';
import {
  forceOption,
  fromOption,
  integer,
  maxBytesOption,
  type OutputFlags,
  outputFlag,
  type PartFlags,
  partOptions,
  partsOf,
  real,
  sizeOf,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import type { Progress } from '../progress.ts';
import {
  formatFor,
  modelOfInput,
  noteDropped,
  type OutputFormat,
  outputFormat,
  outputFormats,
  readMask,
  readSignal,
  readTable,
} from '../signals.ts';
import { psnrText, secondsText, sizeText } from '../text.ts';

interface CompleteFlags extends OutputFlags, PartFlags {
  readonly output: string;
  readonly format?: OutputFormat;
  readonly model?: string;
  readonly mask?: string;
  readonly region?: string;
  readonly hide?: string;
  readonly coarse?: boolean;
  readonly points?: boolean;
  /** Checked by the library. */
  readonly prior?: KindThat<'complete'>;
  readonly functaset?: string;
  readonly nearest?: number;
  readonly draws: number;
  readonly seed: number;
  readonly noise?: number;
  readonly size?: string;
  readonly maxBytes: number;
}

/** What says which part of the input is known; one of them at most. */
const ways = ['mask', 'region', 'hide', 'coarse', 'points'] as const;

export function addComplete(program: Command, run: RunCommand): void {
  const command = program
    .command('complete')
    .description('complete a signal from a part of it, with several draws of what is possible')
    .argument('<input>', `${titlesOf(signalFormats)}; - is stdin; NaN is hidden`)
    .requiredOption(
      outputFlag,
      `the completed, draws, their mean and deviation; for the eye also what is known, first. ${togetherText()}`,
    )
    .option(...forceOption)
    .addOption(new Option('--format <format>', 'default: by the suffix of the output').choices(outputFormats))
    .option(...modelOption)
    .option(
      '--mask <file>',
      'a signal of the same size, one value a sample: 1 (white) is known, 0 (black) is hidden',
    )
    .option('--region <box>', 'known is this region alone: y=0:32,x=8:24, or x,y,w,h')
    .option('--hide <box>', 'known is all but this region')
    .option('--coarse', 'the input is a version of the whole signal at a lower resolution')
    .option(
      '--points',
      'the input is a table of points: a row holds the coordinates, slowest axis first, then the values',
    )
    .option(
      '--prior <kind>',
      'gaussian, the default for signals of the shape of the model, diffusion, slower, with draws that look like signals, or factorized, for any size',
    )
    .option(
      '--functaset <store>',
      'by the prior of this store, learnt from its functions, in place of one of the model',
    )
    .option(
      '--nearest <n>',
      'with --functaset: learnt from the n of its functions that are most like what is known; 1000 does well',
      integer(1),
    )
    .option('-n, --draws <n>', 'how many draws', integer(0, 64), 4)
    .option('--seed <n>', 'where the random numbers start', integer(0), 0)
    .option(
      '--noise <s>',
      'deviation of a known value, of a range of 1; default: 0.04, with --nearest 0.1',
      real(1e-4, 1e3),
    )
    .option('--size <size>', '4x, or WxH in samples; default: the size the model was trained on')
    .addOption(maxBytesOption())
    .action(run(completeSignal));
  for (const option of partOptions()) command.addOption(option);
}

async function completeSignal(job: Job, input: string, flags: CompleteFlags): Promise<Report> {
  const given = ways.filter((way) => flags[way] !== undefined);
  if (given.length > 1) {
    throw new UsageError('one-part', `--${given.join(' and --')} each say what is known; give one of them`);
  }
  if (flags.nearest !== undefined && flags.functaset === undefined) {
    throw new UsageError('bad-nearest', '--nearest is of the functions of a store; give --functaset, too');
  }
  if (flags.prior !== undefined && flags.functaset !== undefined) {
    throw new UsageError('one-prior', '--functaset stands in place of --prior; give one of them');
  }
  const { output, draws, seed, noise, prior, functaset, nearest } = flags;
  const named = outputFormat(output, flags.format);
  const size = await sizeOf(flags);
  job.checkStdout(output);
  await checkOutput(output, flags.force);
  const read = (path: string) =>
    readInput(path, { stdin: job.streams.stdin, maxBytes: flags.maxBytes, signal: job.signal });
  const bytes = await read(input);
  const model = await modelFor(job, input, bytes, flags);
  const format = formatFor(model.card, named);
  const observation = await observe(job, { input, bytes, read }, model, flags);
  const { complete, shownSignals, signalsOf } = await import('../../complete/index.ts');
  return withEngine(job, async (engine) => {
    const options = { draws, seed, noise, size, raw: format.raw, signal: job.signal };
    const source = { model, engine };
    const found =
      functaset === undefined
        ? await complete(source, observation, { ...options, prior })
        : await byFunctaset(job, source, observation, functaset, { ...options, nearest });
    const { outputs } = found;
    const told = format.raw ? signalsOf(found) : shownSignals(observation, found, outputs);
    const content = format.writeAll(told, outputs, { inRow: true, signal: job.signal });
    await writeOutput(output, content, { stdout: job.streams.stdout, force: flags.force });
    const known = observation.values.length / observation.channels;
    const { shape } = found.completed;
    const where = output === standardStream ? 'stdout' : output;
    return {
      data: {
        output,
        model: model.card.name,
        modelId: model.id,
        prior: found.prior,
        known,
        draws,
        seed,
        shape,
        observedPsnrDb: found.observedPsnrDb,
        surprise: found.surprise,
        seconds: found.seconds,
      },
      lines: [
        `${where}: ${sizeText(shape)} from ${known} known values by the ${found.prior} prior, ${draws} draws; at the known values ${psnrText(found.observedPsnrDb)}${surpriseText(found.surprise)}${secondsText(found.seconds)}`,
      ],
      stdoutTaken: output === standardStream,
    };
  });
}

function surpriseText(surprise: number | undefined): string {
  return surprise === undefined ? '; ' : `, surprise ${surprise.toPrecision(3)} (1: as the prior expects); `;
}

async function byFunctaset(
  job: Job,
  source: { readonly model: Model; readonly engine: Engine },
  observation: Observation,
  path: string,
  options: SetCompleteOptions,
) {
  const { openFunctasetOf } = await import('../../session/store.ts');
  const { completeByFunctaset } = await import('../../complete/nearest.ts');
  const { NearIndexes } = await import('../../query/index.ts');
  const store = await openFunctasetOf(source.model, path, { readOnly: true });
  try {
    return await job.progress('complete', 'functions', (progress: Progress) => {
      const indexes = new NearIndexes({ ...source, store });
      const onProgress = (done: number, total: number) => progress.update(done, total);
      const context = { ...source, store, indexes, limits: job.limits };
      return completeByFunctaset(context, observation, { ...options, onProgress });
    });
  } finally {
    await store.close();
  }
}

/** The model named, that of the store, else the bundled one for signals like the input. Throws UsageError `which-model`, `no-model`. */
async function modelFor(
  job: Job,
  input: string,
  bytes: Uint8Array,
  { model: ref, functaset, coarse, points, maxBytes, ...flags }: CompleteFlags,
): Promise<Model> {
  if (ref !== undefined) return chooseModel(ref, '');
  if (functaset !== undefined) return modelOfStore(undefined, functaset);
  const { limits } = job;
  const parts = partsOf(flags);
  if (points) {
    const { shape } = await readTable(input, bytes, { maxBytes, limits });
    return modelOfTable(job, shape.at(-1)!);
  }
  if (coarse) {
    const asked = { maxBytes, limits, parts };
    const signal = await readSignal(input, bytes, asked);
    // it was read, so it is of a format
    return modelOfCoarse(job, signal, formatOfFile(bytes, input)!, (model) =>
      readSignal(input, bytes, { ...asked, model, as: 'part' }),
    );
  }
  return modelOfInput(job, input, bytes, { maxBytes, parts });
}

interface Given {
  readonly input: string;
  readonly bytes: Uint8Array;
  readonly read: (path: string) => Promise<Uint8Array>;
}

async function observe(
  job: Job,
  { input, bytes, read }: Given,
  model: Model,
  flags: CompleteFlags,
): Promise<Observation> {
  const { maskOf, observeCoarse, observeMasked, observePoints } = await import('../../complete/index.ts');
  const { regionMask } = await import('../../signal/mask.ts');
  const { checkBoxText, namesOfSignal } = await import('../../signal/region.ts');
  const { shape, spec } = model.card;
  const limits = { maxBytes: flags.maxBytes, limits: job.limits };
  if (flags.points) {
    const stray = (['variable', 'grid'] as const).find((part) => flags[part] !== undefined);
    if (stray !== undefined)
      throw new UsageError('bad-option', `a table of points has no ${stray}; leave --${stray} out`);
    return observePoints(shape, spec.outputs, await readTable(input, bytes, limits));
  }
  const signal = await readSignal(input, bytes, { model, as: 'part', parts: partsOf(flags), ...limits });
  noteDropped(job, signal);
  if (flags.coarse) return observeCoarse(shape, signal);
  if (flags.mask !== undefined) {
    const mask = await readMask(flags.mask, await read(flags.mask), { card: model.card, ...limits });
    return observeMasked(signal, maskOf(mask));
  }
  const region = flags.region ?? flags.hide;
  if (region === undefined) {
    const observed = observeMasked(signal);
    if (observed.values.length === signal.values.length)
      job.note(`${signal.id}: nothing is hidden; --hide, --region or --mask say what is`);
    return observed;
  }
  fromOption(flags.region === undefined ? '--hide' : '--region', () => checkBoxText(region));
  return observeMasked(
    signal,
    regionMask(signal.shape, region, flags.region === undefined, namesOfSignal(model.card, signal)),
  );
}
