/** `functa sample`: new signals from a prior. */

import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { suffix } from '../../../codec/header.ts';
import type { KindThat } from '../../../prior/kinds.ts';
import { togetherText } from '../../formats/formats.ts';
import type { Sampled } from '../../session/types.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { chooseModel, modelOption, withSession } from '../models.ts';
import { forceOption, integer, type OutputFlags, outputFlag, real, sizeOf } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { formatFor, type OutputFormat, outputFormat, outputFormats } from '../signals.ts';
import { bytesText, secondsText, sizeText } from '../text.ts';

interface SampleFlags extends OutputFlags {
  readonly output: string;
  readonly model?: string;
  readonly format?: OutputFormat | 'functa';
  readonly count: number;
  readonly seed: number;
  readonly temperature: number;
  /** Checked by the library. */
  readonly prior?: KindThat<'sample'>;
  readonly label?: string;
  readonly guidance?: number;
  readonly steps?: number;
  readonly quality: number;
  readonly size?: string;
}

export function addSample(program: Command, run: RunCommand): void {
  program
    .command('sample')
    .description('draw new signals; the same seed, model and options give the same bytes')
    .requiredOption(outputFlag, `${togetherText()}; .functa: an archive`)
    .option(...forceOption)
    .addOption(
      new Option('--format <format>', 'default: by the suffix of the output').choices([
        ...outputFormats,
        'functa',
      ]),
    )
    .option(...modelOption)
    .option('-n, --count <n>', 'how many', integer(1, 65536), 16)
    .option('--seed <n>', 'where the random numbers start', integer(0), 0)
    .option('--temperature <t>', "1: the prior's own distribution; lower: closer to its mode", real(0, 10), 1)
    .option(
      '--prior <kind>',
      'diffusion, flow, gaussian, autoregressive, factorized or histogram; default: the best in the model file; with --label or --steps, diffusion',
    )
    .option('--label <label>', 'of these only; for a prior that knows labels')
    .option(
      '--guidance <w>',
      "diffusion: how much more of the label; 1: as it is; default: what the prior's card says",
      real(0, 20),
    )
    .option(
      '--steps <n>',
      "diffusion: steps of the sampler, up to 8 with one pass each, above with two; those that functa prior distil learnt are drawn by what it wrote; default: what the prior's card says, else 18",
      integer(1, 1000),
    )
    .option('--quality <q>', 'the quantiser step that is drawn at, from 1 to 100', integer(1, 100), 50)
    .option('--size <size>', '4x, or WxH in samples; default: the size the model was trained on')
    .action(run(sample));
}

async function sample(job: Job, flags: SampleFlags): Promise<Report> {
  const { output, count, seed, temperature, prior, label, guidance, steps, quality } = flags;
  const archive = flags.format === 'functa' || (flags.format === undefined && extname(output) === suffix);
  const named = archive ? undefined : outputFormat(output, flags.format as OutputFormat | undefined);
  const size = await sizeOf(flags);
  if (archive && size !== undefined) {
    throw new UsageError(
      'size-of-archive',
      'an archive holds functions, which have no size; leave --size to decode',
    );
  }
  job.checkStdout(output);
  await checkOutput(output, flags.force);
  const model = await chooseModel(flags.model, 'this');
  const format = archive ? undefined : formatFor(model.card, named);
  return withSession(job, model, async (session) => {
    const started = performance.now();
    const drawn = await session.sample({
      count,
      seed,
      temperature,
      prior,
      label,
      guidance,
      steps,
      quality,
      size,
      decode: format !== undefined,
      ids: true,
      raw: format?.raw,
      signal: job.signal,
    });
    const content =
      format === undefined
        ? drawn.archive
        : format.writeAll(drawn.signals, model.card.outputs, { signal: job.signal });
    const outputBytes = await writeOutput(output, content, {
      stdout: job.streams.stdout,
      force: flags.force,
    });
    const seconds = (performance.now() - started) / 1000;
    const bitsPerPoint = meanBitsPerPoint(drawn, model.card.shape);
    const shape = drawn.signals[0]?.shape ?? model.card.shape;
    const rate = `${bitsPerPoint.toFixed(3)} bits per point`;
    return {
      data: {
        output,
        format: format?.name ?? 'functa',
        model: model.card.name,
        modelId: model.id,
        count,
        seed,
        temperature,
        prior,
        label,
        guidance,
        steps,
        distilled: drawn.distilled,
        shape,
        bitsPerPoint,
        outputBytes,
        seconds,
      },
      lines: [
        `${output === standardStream ? 'stdout' : output}: ${count} of ${sizeText(shape)}, ${rate}, ${bytesText(outputBytes)}, ${secondsText(seconds)}${distilledText(drawn)}`,
      ],
      stdoutTaken: output === standardStream,
    };
  });
}

function distilledText({ distilled }: Sampled): string {
  if (distilled === undefined) return '';
  const steps = distilled.steps === 1 ? '1 step' : `${distilled.steps} steps`;
  return `, by the distilled network in ${steps} with guidance ${distilled.guidance}`;
}

function meanBitsPerPoint({ bits }: Sampled, shape: readonly number[]): number {
  const points = shape.reduce((product, n) => product * n, 1);
  return bits.reduce((sum, b) => sum + b, 0) / bits.length / points;
}
