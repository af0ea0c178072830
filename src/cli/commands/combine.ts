/** `functa combine`: paths between functions of a store, their means and differences. */
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { suffix } from '../../../codec/header.ts';
import type { PathSpaceName, Term } from '../../combine/index.ts';
import { togetherText } from '../../formats/formats.ts';
import type { FunctionSource } from '../../session/functions.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfStore, modelOption, withSession } from '../models.ts';
import { forceOption, integer, type OutputFlags, outputFlag, real, sizeOf } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { formatFor, type OutputFormat, outputFormat, outputFormats } from '../signals.ts';
import { bytesText, sizeText } from '../text.ts';

interface CombineFlags extends OutputFlags {
  readonly output: string;
  readonly model?: string;
  readonly format?: OutputFormat | 'functa';
  readonly quality?: number;
  readonly size?: string;
}

const spaces: readonly PathSpaceName[] = ['metric', 'flow'];

interface PathFlags extends CombineFlags {
  readonly steps: number;
  readonly space: PathSpaceName;
}

interface MeanFlags extends CombineFlags {
  readonly weights?: readonly number[];
  readonly label?: string;
}

/** Functions of the store, by ids or all of a label. */
type Get = (which: readonly string[] | string) => Promise<Term[]>;
type Combine = (get: Get, source: FunctionSource) => Promise<Term[]>;

export function addCombine(program: Command, run: RunCommand): void {
  const combine = program
    .command('combine')
    .description('paths between functions of a store, their means and differences: functions again');
  const withOptions = (command: Command) =>
    command
      .requiredOption(outputFlag, `.functa: functions; ${togetherText()}`)
      .option(...forceOption)
      .addOption(
        new Option('--format <format>', 'default: by the suffix of the output').choices([
          ...outputFormats,
          'functa',
        ]),
      )
      .option(...modelOption)
      .option('--quality <q>', 'of functions in bytes; default: that of the first', integer(1, 100))
      .option('--size <size>', '4x, or WxH in samples: of signals');
  withOptions(
    combine
      .command('path')
      .description('functions in between two, the ends included')
      .argument('<store>', 'the directory of a store')
      .argument('<from>', 'the id of a function')
      .argument('<to>', 'the id of another')
      .option('-n, --steps <n>', 'how many, with both ends', integer(2, 65_536), 8)
      .addOption(
        new Option(
          '--space <space>',
          "metric: straight; flow: along the sphere of the latent of the model's flow",
        )
          .choices(spaces)
          .default('metric'),
      ),
  ).action(
    run((job: Job, store: string, from: string, to: string, flags: PathFlags) =>
      combined(job, store, flags, async (get, source) => {
        const { pathBetween, pathSpaceOf } = await import('../../combine/index.ts');
        const [a, b] = await get([from, to]);
        return pathBetween(a!, b!, flags.steps, await pathSpaceOf(source.model, flags.space));
      }),
    ),
  );
  withOptions(
    combine
      .command('mean')
      .description('the mean of functions, or of all with a label')
      .argument('<store>', 'the directory of a store')
      .argument('[ids...]', 'ids of functions')
      .option('--label <label>', 'all functions with this label')
      .option('--weights <list>', 'of each function, between commas; default: all the same', numbers),
  ).action(
    run((job: Job, store: string, ids: string[], flags: MeanFlags) => {
      if ((flags.label === undefined) === (ids.length === 0)) {
        throw new UsageError('which-functions', 'give ids of functions, or --label');
      }
      return combined(job, store, flags, async (get) => {
        const { meanOf } = await import('../../combine/index.ts');
        return [meanOf(await get(flags.label ?? ids), flags.weights)];
      });
    }),
  );
  withOptions(
    combine
      .command('difference')
      .description('one function less another: what sets them apart, around the base network')
      .argument('<store>', 'the directory of a store')
      .argument('<id>', 'the id of a function')
      .argument('<less>', 'the id of another'),
  ).action(
    run((job: Job, store: string, id: string, less: string, flags: CombineFlags) =>
      combined(job, store, flags, async (get) => {
        const { differenceOf } = await import('../../combine/index.ts');
        const [a, b] = await get([id, less]);
        return [differenceOf(a!, b!)];
      }),
    ),
  );
}

/** Finite numbers between commas. */
function numbers(text: string): number[] {
  return text.split(',').map(real(-Number.MAX_VALUE, Number.MAX_VALUE));
}

async function combined(job: Job, path: string, flags: CombineFlags, combine: Combine): Promise<Report> {
  const { output, force, quality } = flags;
  const coded = flags.format === 'functa' || (flags.format === undefined && extname(output) === suffix);
  const named = coded ? undefined : outputFormat(output, flags.format as OutputFormat | undefined);
  const size = await sizeOf(flags);
  if (coded && size !== undefined) {
    throw new UsageError('size-of-function', 'functions have no size; leave --size to decode');
  }
  if (!coded && quality !== undefined) {
    throw new UsageError(
      'quality-of-signal',
      '--quality is that of functions in bytes; give an output .functa',
    );
  }
  job.checkStdout(output);
  await checkOutput(output, force);
  const model = await modelOfStore(flags.model, path);
  const format = coded ? undefined : formatFor(model.card, named);
  const { openFunctasetOf } = await import('../../session/store.ts');
  const { codeTerms, decodeTerms, getFunctions, labelled, notesOf } = await import('../../combine/index.ts');
  const store = await openFunctasetOf(model, path, { readOnly: true });
  try {
    return await withSession(job, model, async (session) => {
      const plainFits: string[] = [];
      const terms = await combine(async (which) => {
        const found = await (typeof which === 'string'
          ? labelled(session, store, which)
          : getFunctions(session, store, which));
        for (const note of notesOf(found)) job.note(note);
        plainFits.push(...found.filter(({ isPlainFit }) => isPlainFit).map(({ id }) => id));
        return found;
      }, session);
      const { signal } = job;
      const content =
        format === undefined
          ? await codeTerms(session, terms, { quality })
          : format.writeAll(
              await decodeTerms(session, terms, { size, raw: format.raw, signal }),
              model.card.outputs,
              { signal },
            );
      const outputBytes = await writeOutput(output, content, { stdout: job.streams.stdout, force });
      const { shape } = terms[0]!;
      return {
        data: {
          store: path,
          output,
          format: format?.name ?? 'functa',
          functions: terms.length,
          shape,
          outputBytes,
          plainFits,
        },
        lines: [
          `${output === standardStream ? 'stdout' : output}: ${terms.length} of ${sizeText(shape)}, ${bytesText(outputBytes)}`,
        ],
        stdoutTaken: output === standardStream,
      };
    });
  } finally {
    await store.close();
  }
}
