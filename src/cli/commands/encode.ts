/** `functa encode`: signals to functions in bytes. */

import { basename, dirname, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { suffix } from '../../../codec/header.ts';
import type { PriorKind } from '../../../prior/kinds.ts';
import type { Model } from '../../field/model.ts';
import { signalFormats, titlesOf } from '../../formats/formats.ts';
import type { Keeping } from '../../session/keeping.ts';
import type { MaxError } from '../../session/max-error.ts';
import type { Encoded, EncodeTarget } from '../../session/types.ts';
import type { Signal } from '../../signal/signal.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, type OpenFile, openInput, readInput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOption, withSession } from '../models.ts';
import {
  effortOption,
  forceOption,
  keepOption,
  maxBytesOption,
  maxErrorOption,
  type OutputFlags,
  outputFlag,
  type PartFlags,
  partOptions,
  partsOf,
  priorOption,
  qualityOption,
  stepsOption,
  targetOptions,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { modelOfInput, noteDropped, readSignal, readWeights } from '../signals.ts';
import { errorsText, psnrText, secondsText } from '../text.ts';
import { type CoinFlags, checkCoinFlags, coinOptions, type EncodeRecipe, encodeCoin } from './coin.ts';

interface EncodeFlags extends OutputFlags, CoinFlags, PartFlags {
  readonly recipe?: EncodeRecipe;
  readonly model?: string;
  readonly quality?: number;
  readonly psnr?: number;
  readonly bytes?: number;
  readonly maxError?: MaxError;
  readonly keepSigns: boolean;
  readonly effort?: number;
  /** Checked by the library. */
  readonly prior?: PriorKind;
  readonly steps: 'chosen' | 'asked';
  readonly keep: Keeping;
  readonly weights?: string;
  readonly ids: boolean;
  readonly maxBytes: number;
}

export function addEncode(program: Command, run: RunCommand): void {
  const command = program
    .command('encode')
    .description('code a signal as a function; several signals go into one archive')
    .argument('<inputs...>', `${titlesOf(signalFormats)} files; - is stdin`)
    .option(outputFlag, 'default: the input with the suffix .functa')
    .option(...forceOption)
    .option(...modelOption)
    .option(...qualityOption)
    .option(...effortOption)
    .option(...priorOption)
    .addOption(stepsOption())
    .option(
      '--weights <file>',
      'an array of how much each sample counts, 0 or more; default: as the model says',
    )
    .option('--no-ids', 'an archive without the names of its inputs: fewer bytes')
    .addOption(maxErrorOption('no value is further off').conflicts(['quality', 'psnr', 'bytes']))
    .addOption(
      new Option(
        '--keep-signs',
        'every sample stays on its side of 0: what is inside of a shape stays inside',
      )
        .default(false)
        .conflicts(['maxError']),
    )
    .addOption(keepOption())
    .addOption(maxBytesOption())
    .action(run(encode));
  for (const option of [...partOptions(), ...targetOptions(), ...coinOptions()]) command.addOption(option);
}

async function encode(job: Job, inputs: string[], flags: EncodeFlags, command: Command): Promise<Report> {
  const given = (name: string) => command.getOptionValueSource(name) === 'cli';
  checkCoinFlags(flags.recipe, flags, {
    '--model': given('model'),
    '--quality': given('quality'),
    '--psnr': given('psnr'),
    '--bytes': given('bytes'),
    '--max-error': given('maxError'),
    '--keep-signs': given('keepSigns'),
    '--effort': given('effort'),
    '--prior': given('prior'),
    '--steps': given('steps'),
    '--keep': given('keep'),
    '--no-ids': given('ids'),
    '--weights': given('weights'),
  });
  const output = flags.output ?? defaultOutput(inputs);
  if (flags.recipe === 'coin') {
    if (inputs.length > 1)
      throw new UsageError(
        'recipe-archive',
        'networks of their own have no archives; give one input at a time',
      );
    return encodeCoin(job, inputs[0]!, { ...flags, output });
  }
  const target = targetOf(flags);
  if (target !== undefined && inputs.length > 1)
    throw new UsageError(
      'target-archive',
      'an archive has one quality; give a target for one input at a time',
    );
  if (flags.weights !== undefined && inputs.length > 1)
    throw new UsageError('one-weighted', 'weights are of one signal; give one input at a time');
  job.checkStdout(output);
  await checkOutput(output, flags.force);
  const { model, signals } = await readInputs(job, inputs, flags);
  for (const signal of signals) noteDropped(job, signal);
  if (flags.weights !== undefined) {
    const { maxBytes } = flags;
    const file = await readInput(flags.weights, { stdin: job.streams.stdin, maxBytes, signal: job.signal });
    signals[0] = {
      ...signals[0]!,
      weights: await readWeights(flags.weights, file, signals[0]!, { maxBytes, limits: job.limits }),
    };
  }
  const { maxError, keepSigns } = flags;
  if ((maxError !== undefined || keepSigns) && inputs.length > 1)
    throw new UsageError('target-archive', 'bounds and signs are of one signal; give one input at a time');
  const quality = target === undefined && maxError === undefined ? flags.quality : undefined;
  const { effort, prior, steps, keep } = flags;
  const options = { quality, effort, prior, steps, keep, signal: job.signal };
  return withSession(job, model, async (session) => {
    if (signals.length === 1) {
      const encoded = await session.encode(signals[0]!, { ...options, target, maxError, keepSigns });
      await writeOutput(output, encoded.bytes, { stdout: job.streams.stdout, force: flags.force });
      return {
        data: {
          input: inputs[0],
          output,
          ...modelFacts(model),
          effort: flags.effort,
          ...facts(encoded, signals[0]!),
        },
        lines: [`${nameOf(output)}: ${factsText(encoded, model)}`],
        stdoutTaken: output === standardStream,
      };
    }
    const { items, archive } = await session.encodeMany(signals, { ...options, ids: flags.ids });
    await writeOutput(output, archive, { stdout: job.streams.stdout, force: flags.force });
    return {
      data: {
        output,
        ...modelFacts(model),
        effort: flags.effort,
        archiveBytes: archive.length,
        items: items.map((item, i) => ({ input: inputs[i], ...facts(item, signals[i]!) })),
      },
      lines: [
        ...items.map((item, i) => `${nameOf(inputs[i]!)}: ${factsText(item, model)}`),
        `${nameOf(output)}: ${archive.length} bytes for ${items.length} signals`,
      ],
      stdoutTaken: output === standardStream,
    };
  });
}

/** The signals, and the model that they are for. What they are read from is not held beside what is encoded. */
async function readInputs(
  job: Job,
  inputs: readonly string[],
  flags: EncodeFlags,
): Promise<{ readonly model: Model; readonly signals: Signal[] }> {
  const { maxBytes } = flags;
  const asked = { stdin: job.streams.stdin, maxBytes, signal: job.signal };
  const files: (Uint8Array | OpenFile)[] = [];
  try {
    for (const input of inputs) files.push(await openInput(input, asked));
    const model = await modelOfInput(job, inputs[0]!, files[0]!, {
      ...{ model: flags.model, maxBytes, parts: partsOf(flags) },
    });
    const as = { effort: flags.effort ?? 1 };
    const wanted = { model, maxBytes, as, limits: job.limits, parts: partsOf(flags) };
    const signals = await Promise.all(files.map((file, i) => readSignal(inputs[i]!, file, wanted)));
    return { model, signals };
  } finally {
    for (const file of files) if (!(file instanceof Uint8Array)) await file.close();
  }
}

function defaultOutput(inputs: readonly string[]): string {
  const [first] = inputs;
  if (inputs.length > 1)
    throw new UsageError('no-output', 'several inputs make one archive; name it with --output');
  if (first === undefined || first === standardStream) return standardStream;
  return join(dirname(first), `${basename(first, extname(first))}${suffix}`);
}

function targetOf({ psnr, bytes }: EncodeFlags): EncodeTarget | undefined {
  if (psnr !== undefined) return { psnrDb: psnr };
  return bytes === undefined ? undefined : { fileBytes: bytes };
}

function modelFacts({ card, id }: Model) {
  return { model: card.name, modelId: id };
}

function facts(encoded: Encoded, { notes }: Signal) {
  const { bytes, shape, quality, fileQuality, prior, bitsPerPoint, estimatedBits, psnrDb } = encoded;
  const { mse, rmse, maxError, seconds } = encoded;
  return {
    fileBytes: bytes.length,
    shape,
    quality,
    fileQuality,
    prior,
    bitsPerPoint,
    estimatedBits,
    psnrDb,
    mse,
    rmse,
    maxError,
    seconds,
    ...(notes === undefined ? {} : { notes }),
  };
}

/** Names what it takes: the rest of what was encoded is made when it is asked for, and large. */
function factsText(
  { bytes, bitsPerPoint, psnrDb, seconds, rmse, maxError }: Encoded,
  { card }: Model,
): string {
  const inUnits = errorsText(card.outputs, { rmse, maxError });
  return `${bytes.length} bytes, ${bitsPerPoint.toFixed(3)} bits per point, ${[psnrText(psnrDb), ...(inUnits === '' ? [] : [inUnits]), secondsText(seconds)].join(', ')}`;
}

function nameOf(path: string): string {
  return path === standardStream ? 'stdout' : path;
}
