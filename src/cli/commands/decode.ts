/** `functa decode`: functions in bytes to signals, at any size. */
import { basename, dirname, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import type { WrittenFormat } from '../../formats/formats.ts';
import type { Inspection, NamedRows } from '../../session/types.ts';
import type { RowStream } from '../../signal/rows.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, readInput, standardStream, withOutputs, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfFile, modelOption, withSession } from '../models.ts';
import {
  forceOption,
  fromOption,
  integer,
  maxBytesOption,
  type OutputFlags,
  outputFlag,
  sizeOf,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { formatFor, type OutputFormat, outputFormat, outputFormats } from '../signals.ts';
import { bytesText, secondsText, sizeText } from '../text.ts';

interface DecodeFlags extends OutputFlags {
  readonly model?: string;
  readonly size?: string;
  readonly region?: string;
  readonly item?: number;
  readonly id?: string;
  readonly format?: OutputFormat;
  readonly maxBytes: number;
}

export function addDecode(program: Command, run: RunCommand): void {
  program
    .command('decode')
    .description('evaluate a coded function on a grid of any size')
    .argument('<input>', 'a .functa file; - is stdin')
    .option(outputFlag, 'default: the input with the suffix of the format')
    .option(...forceOption)
    .addOption(
      new Option(
        '--format <format>',
        'default: by the suffix of the output, else by what the signal is',
      ).choices(outputFormats),
    )
    .option(...modelOption)
    .option(
      '--size <size>',
      '4x, WxH in samples, or samples in a unit such as 44100/s; default: the size of the signal',
    )
    .option('--region <box>', 'only this part, in samples of the output: y=0:32,x=8:24, or x,y,w,h')
    .addOption(
      new Option('--item <n>', 'of an archive, from 0; default: all, as NAME-0, NAME-1, ...')
        .argParser(integer(0))
        .conflicts('id'),
    )
    .option('--id <id>', 'of an archive: the function of this id; functa inspect lists them')
    .addOption(maxBytesOption())
    .action(run(decode));
}

async function decode(job: Job, input: string, flags: DecodeFlags): Promise<Report> {
  const { inspect, itemNumber } = await import('../../session/index.ts');
  const { checkBoxText } = await import('../../signal/region.ts');
  const { force } = flags;
  const named = flags.output === undefined ? flags.format : outputFormat(flags.output, flags.format);
  const size = await sizeOf(flags);
  const { region } = flags;
  if (region !== undefined) fromOption('--region', () => checkBoxText(region));
  if (flags.output !== undefined) job.checkStdout(flags.output);
  const bytes = await readInput(input, {
    stdin: job.streams.stdin,
    maxBytes: flags.maxBytes,
    signal: job.signal,
  });
  const found = inspect(bytes);
  const item = flags.id === undefined ? flags.item : itemNumber(bytes, flags);
  if (flags.output !== undefined) await checkOutputs(outputsOf(flags.output, found, item), force);
  const model = await modelOfFile(flags.model, input, found, bytes, job.limits);
  const format = formatFor(model.card, named);
  const output = flags.output ?? defaultOutput(input, format);
  job.checkStdout(output);
  const outputs = outputsOf(output, found, item);
  if (flags.output === undefined) await checkOutputs(outputs, force);
  const asked = { size, region, raw: format.raw, signal: job.signal };
  const one = found.kind !== 'archive' || item !== undefined;
  return withSession(job, model, async (session) => {
    // An archive is decoded in one pass: a stream in it may hold several functions.
    const streams = one
      ? [await session.decodeRows(bytes, { ...asked, item: item ?? 0 })]
      : rowsOf(session.decodeEach(bytes, asked));
    const written: Written[] = [];
    const paths = outputs[Symbol.iterator]();
    let started = performance.now();
    await withOutputs({ stdout: job.streams.stdout, force }, async (options) => {
      for (const stream of streams) {
        const path = paths.next().value!;
        const content = format.write(stream, stream.outputs ?? model.card.outputs);
        const outputBytes = await writeOutput(path, content, options);
        const { shape, channels } = stream;
        const ended = performance.now();
        const seconds = (ended - started) / 1000;
        written.push({ output: path, shape, channels, outputBytes, seconds });
        started = ended;
      }
    });
    const facts = { input, format: format.name, model: model.card.name, modelId: model.id };
    return {
      data: one ? { ...facts, ...written[0] } : { ...facts, items: written },
      lines: written.map(lineOf),
      stdoutTaken: output === standardStream,
    };
  });
}

function* rowsOf(items: Iterable<NamedRows>): Generator<RowStream> {
  for (const { rows } of items) yield rows;
}

interface Written {
  readonly output: string;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly outputBytes: number;
  readonly seconds: number;
}

function lineOf({ output, shape, outputBytes, seconds }: Written): string {
  const name = output === standardStream ? 'stdout' : output;
  return `${name}: ${sizeText(shape)}, ${bytesText(outputBytes)}, ${secondsText(seconds)}`;
}

/** Where what is asked for goes, in the order of the file. */
function outputsOf(output: string, { kind, count }: Inspection, item: number | undefined): string[] {
  if (kind !== 'archive' || item !== undefined) return [output];
  if (output === standardStream) {
    throw new UsageError(
      'which-item',
      `stdout takes one signal of the ${count} in this archive; choose it with --item or --id`,
    );
  }
  const suffix = extname(output);
  const stem = output.slice(0, output.length - suffix.length);
  return Array.from({ length: count }, (_, n) => `${stem}-${n}${suffix}`);
}

async function checkOutputs(outputs: readonly string[], force: boolean): Promise<void> {
  for (const path of outputs) await checkOutput(path, force);
}

function defaultOutput(input: string, { suffixes }: WrittenFormat): string {
  if (input === standardStream) return standardStream;
  return join(dirname(input), `${basename(input, extname(input))}${suffixes[0]}`);
}
