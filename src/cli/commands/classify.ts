/** `functa classify`: labels of functions from their modulations. */
import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { magic } from '../../../codec/header.ts';
import type { Guess, ProbeKind, Readable } from '../../classify/index.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { Model } from '../../field/model.ts';
import { signalFormats, titlesOf } from '../../formats/formats.ts';
import { follow } from '../events.ts';
import { UsageError } from '../exit.ts';
import { checkFileOutput, readInput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfNetwork, modelOfStore, modelOption, withEngine, withSession } from '../models.ts';
import { forceOption, integer, type PartFlags, partOptions, partsOf, real } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { durationText } from '../progress.ts';
import { noteDropped, readSignal } from '../signals.ts';
import { columns } from '../text.ts';

/** Functions of a store that are told of. */
const defaultLimit = 20;
const kinds: readonly ProbeKind[] = ['linear', 'network'];

interface TrainFlags {
  readonly model?: string;
  readonly output: string;
  readonly force: boolean;
  readonly validation?: string;
  readonly probe: ProbeKind;
  readonly epochs?: number;
  readonly batch?: number;
  readonly rate?: number;
  readonly views?: number;
  readonly seed?: number;
  readonly limit?: number;
}

interface EvalFlags {
  readonly model?: string;
  readonly limit?: number;
}

interface PredictFlags extends EvalFlags, PartFlags {
  readonly id?: readonly string[];
  readonly top: number;
}

export function addClassify(program: Command, run: RunCommand): void {
  const classify = program
    .command('classify')
    .description('tell the labels of functions from their modulations');
  classify
    .command('train')
    .description('learn the labels of a store')
    .argument('<store>', 'the directory of a store of functions with labels')
    .requiredOption('-o, --output <file>', 'where the classifier goes')
    .option(...forceOption)
    .option(...modelOption)
    .option('--validation <store>', 'another store, to judge by after each epoch')
    .addOption(
      new Option('--probe <kind>', 'network: convolutions over the grids; linear: one linear layer')
        .choices(kinds)
        .default('network'),
    )
    .option('--epochs <n>', 'turns through the store', integer(1, 10_000))
    .option('--batch <n>', 'functions of one step', integer(2, 65_536))
    .option('--rate <r>', 'highest learning rate', real(0, 1))
    .option('--views <n>', 'of each function: itself, mirrored, shifted', integer(1, 16))
    .option('--limit <n>', 'only the first n functions', integer(2))
    .option('--seed <n>', 'where the random numbers start', integer(0))
    .action(run(train));
  classify
    .command('eval')
    .description('judge a classifier by the labels of a store')
    .argument('<classifier>', 'a file made by train')
    .argument('<store>', 'the directory of a store of functions with labels')
    .option(...modelOption)
    .option('--limit <n>', 'only the first n functions', integer(1))
    .action(run(evaluate));
  const asked = classify
    .command('predict')
    .description(
      'say what functions are: of a store, of a .functa file, or of a signal, which is encoded first',
    )
    .argument('<classifier>', 'a file made by train')
    .argument('<input>', `a store, a .functa file, or ${titlesOf(signalFormats)}`)
    .option(...modelOption)
    .option('--id <id...>', 'these functions of a store')
    .option('--limit <n>', 'functions of a store at most; default: 20', integer(1, 65_536))
    .option('--top <n>', 'labels told of each', integer(1, 1000), 3)
    .action(run(predict));
  for (const option of partOptions()) asked.addOption(option);
}

async function train(job: Job, store: string, flags: TrainFlags): Promise<Report> {
  const { output, force, probe, validation, limit, model: ref } = flags;
  await checkFileOutput(output, force);
  const { trainClassifier } = await import('../../classify/index.ts');
  const model = await modelOfStore(ref, store);
  const { epochs, batch, rate, seed, views } = flags;
  const recipe = { ...given({ views }), learning: given({ epochs, batch, rate, seed }) };
  const { path, card, seconds } = await withEngine(job, (engine) =>
    follow(job, 'classify', ({ onEvent }) =>
      trainClassifier({
        ...{ model, engine, functaset: store, validation, probe, recipe, limit, onEvent },
        ...{ out: output, replace: force },
        threads: job.globals.threads,
        signal: job.signal,
      }),
    ),
  );
  const reached = card.figures.validationAccuracy;
  const figure = reached === undefined ? '' : `, ${percent(reached)} of the validation set`;
  return {
    data: { path, ...card, seconds },
    lines: [
      `${path}: ${card.probe} probe of ${card.functions} functions, ${card.labels.length} labels${figure}, ${durationText(seconds)}`,
    ],
  };
}

async function evaluate(job: Job, classifier: string, store: string, flags: EvalFlags): Promise<Report> {
  const { evaluateClassifier } = await import('../../classify/index.ts');
  const model = await modelOfStore(flags.model, store);
  const { threads } = job.globals;
  const found = await withEngine(job, (engine) =>
    evaluateClassifier({ model, engine, classifier, functaset: store, limit: flags.limit, threads }),
  );
  return {
    data: { classifier, store, ...found },
    lines: [
      `${store}: ${percent(found.accuracy)} of ${found.functions} functions`,
      ...columns(
        found.perLabel
          .filter(({ functions }) => functions > 0)
          .map(({ label, functions, accuracy, takenFor }) => [
            String(label),
            `${percent(accuracy)} of ${functions}`,
            takenFor === null ? '' : `else ${takenFor}`,
          ]),
      ),
    ],
  };
}

async function predict(job: Job, classifier: string, input: string, flags: PredictFlags): Promise<Report> {
  const { classify } = await import('../../library/classify.ts');
  const { model, functions } = await functionsOfInput(job, classifier, input, flags);
  const { top } = flags;
  const guesses = await withEngine(job, (engine) =>
    classify(functions, { model, engine, classifier, top, signal: job.signal }),
  );
  const predictions = functions.map(({ id }, i) => ({ id, guesses: guesses[i]! }));
  return {
    data: { classifier, input, predictions },
    lines: columns(predictions.map(({ id, guesses }) => [id, guesses.map(guessText).join(', ')])),
  };
}

interface Asked {
  readonly model: Model;
  readonly functions: readonly (Readable & { readonly id: string })[];
}

async function functionsOfInput(
  job: Job,
  classifier: string,
  input: string,
  flags: PredictFlags,
): Promise<Asked> {
  const info = await stat(input);
  if (info.isDirectory()) {
    const model = await modelOfStore(flags.model, input);
    const { openFunctasetOf } = await import('../../session/store.ts');
    const store = await openFunctasetOf(model, input, { readOnly: true });
    try {
      const { openFunctions } = await import('../../session/functions.ts');
      const { unknownFunction } = await import('../../functaset/index.ts');
      const chosen =
        flags.id === undefined
          ? store.iterate({ limit: flags.limit ?? defaultLimit })
          : store.getMany(flags.id).map((fn, i) => {
              if (fn !== undefined) return fn;
              throw unknownFunction(input, flags.id![i]!);
            });
      return await withEngine(job, async (engine) => {
        const options = { signal: job.signal };
        return { model, functions: await openFunctions({ model, engine }, chosen, options) };
      });
    } finally {
      await store.close();
    }
  }
  if (flags.id !== undefined || flags.limit !== undefined) {
    throw new UsageError(
      'which-functions',
      `--id and --limit choose among the functions of a store, and ${input} is a file; leave them out`,
    );
  }
  const { loadClassifier } = await import('../../classify/index.ts');
  const { card } = await loadClassifier(classifier);
  const model = await modelOfNetwork(flags.model, classifier, card.networkId);
  const maxBytes = defaultLimits.maxFileBytes;
  const bytes = await readInput(input, { stdin: job.streams.stdin, maxBytes, signal: job.signal });
  if (bytes[0] === magic) {
    const { functionsOf } = await import('../../session/coding.ts');
    const { modulationOf } = await import('../../session/modulation.ts');
    const { namesOf } = await import('../../session/items.ts');
    return withSession(job, model, async (session) => {
      const functions: (Readable & { readonly id: string })[] = [];
      const names = namesOf(bytes);
      for (const found of functionsOf(model, bytes, job)) {
        const opened = await modulationOf(session, found, { signal: job.signal });
        functions.push({ ...opened, id: names[functions.length]! });
      }
      return { model, functions };
    });
  }
  const signal = await readSignal(input, bytes, {
    model,
    maxBytes,
    parts: partsOf(flags),
    limits: job.limits,
  });
  noteDropped(job, signal);
  return withSession(job, model, async (session) => {
    const { plainFit } = await import('../../session/modulation.ts');
    const fitted = await plainFit(session, signal, { signal: job.signal });
    return { model, functions: [{ ...fitted, id: signal.id }] };
  });
}

/** Without members that are undefined. */
function given<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function guessText({ label, probability }: Guess): string {
  return `${label} ${percent(probability)}`;
}
