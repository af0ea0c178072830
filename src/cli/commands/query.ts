/** `functa query`: what is near, where, unlikely, and what the functions of a store are at given points. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BadInputError } from '../../core/errors.ts';
import type { Model } from '../../field/model.ts';
import { type Parts, signalFormats, titlesOf, writtenFormats } from '../../formats/formats.ts';
import type { QueryInput, Row } from '../../query/index.ts';
import { UsageError } from '../exit.ts';
import { readInput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfNetwork, modelOption, withEngine } from '../models.ts';
import {
  collect,
  forceOption,
  fromOption,
  integer,
  maxBytesOption,
  outputFlag,
  type PartFlags,
  partOptions,
  real,
  sizeOf,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import type { Progress } from '../progress.ts';
import { noteDropped, outputFormats, readMask, readSignal } from '../signals.ts';
import { columns, psnrText } from '../text.ts';
import { checkField, type FieldFlags, fieldStatistics, fieldWriter } from './query-field.ts';

interface CommonFlags extends PartFlags {
  readonly model?: string;
  readonly signal?: string;
  readonly maxBytes: number;
}

interface FilterFlags {
  readonly label?: readonly string[];
  readonly ids?: readonly string[];
  readonly psnr?: Range;
  readonly bits?: Range;
  readonly meanAbove?: number;
  readonly meanBelow?: number;
  readonly minAbove?: number;
  readonly minBelow?: number;
  readonly maxAbove?: number;
  readonly maxBelow?: number;
  readonly deviationAbove?: number;
  readonly deviationBelow?: number;
  readonly over?: string;
  readonly points?: number;
}

interface PageFlags {
  readonly limit: number;
  readonly cursor?: string;
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

const kOption = ['-k <n>', 'how many', integer(1), 10] as const;
const cursorOption = ['--cursor <cursor>', '`more` of the page before'] as const;
const pointsOption = [
  '--points <n>',
  'look at n samples at most, drawn without favour; default: at all',
  integer(1),
] as const;
const maxDistanceOption = [
  '--max-distance <x>',
  'nothing farther: root mean square of the differences, in signal units',
  real(0, 1e30),
] as const;
const anywhereOption = [
  '--anywhere',
  'what is compared is a fragment: look for it at every place of each function, and say where it lies',
  false,
] as const;
const regionHint = 'in samples of the signal, as y=0:32,x=8:24 or x,y,w,h';

export function addQuery(program: Command, run: RunCommand): void {
  const query = program.command('query').description('ask a store of functions');
  const add = (name: string, description: string) =>
    query
      .command(name)
      .description(description)
      .argument('<store>', 'the directory of the store')
      .option(...modelOption)
      .addOption(maxBytesOption());
  const nearest = add('near', 'the functions nearest to one of them, to a signal, or to a part of either');
  for (const option of partOptions()) nearest.addOption(option);
  filtered(nearest)
    .option('--id <id>', 'of a function of the store')
    .option('--signal <file>', `${titlesOf(signalFormats)}; NaN is a missing value`)
    .option(
      '--mask <file>',
      'a signal of the same size, one value a sample: what is 0 (black) was not observed',
    )
    .option('--region <region>', `what is compared: ${regionHint}`)
    .option(...kOption)
    .addOption(new Option('--method <method>').choices(['auto', 'exact', 'hnsw']).default('auto'))
    .option(...anywhereOption)
    .addOption(
      new Option(
        '--metric <metric>',
        'of what lies anywhere also correlation: level and gain do not count; and of sounds pitch: a hum, in any key',
      )
        .choices(['values', 'gram', 'correlation', 'pitch'])
        .default('values'),
    )
    .option(
      '--refine <n>',
      'candidates whose fields are compared together; 0: none; default: as many as the exact answer takes',
      integer(0),
    )
    .option(...maxDistanceOption)
    .option(...cursorOption)
    .action(run(near));
  filtered(add('similar-region', 'functions that look like one of them does in a region'))
    .requiredOption('--id <id>', 'of a function of the store')
    .requiredOption('--region <region>', regionHint)
    .option(...anywhereOption)
    .option(...maxDistanceOption)
    .option(...kOption)
    .option(...cursorOption)
    .action(run(similarRegion));
  filtered(paged(add('evaluate', 'values, and exact derivatives, at points')))
    .requiredOption('--at <x,y>', 'a point in signal units, fastest axis first; may be repeated', collect)
    .option('--derivatives', 'by each coordinate, too', false)
    .action(run(evaluate));
  filtered(add('aggregate', 'mean, variance and extremes of a set as new fields'))
    .option('--size <size>', 'of the new fields: 4x, or WxH in samples; default: as the functions are')
    .option('--region <region>', `integrate over it: ${regionHint}`)
    .option(outputFlag, `one of these fields as a signal: ${titlesOf(writtenFormats)}`)
    .option(...forceOption)
    .addOption(
      new Option('--format <format>', 'of the output; default: by its suffix').choices(outputFormats),
    )
    .addOption(
      new Option('--statistic <statistic>', 'which field the output is')
        .choices(fieldStatistics)
        .default('mean'),
    )
    .action(run(aggregate));
  filtered(paged(add('where', 'functions that pass conditions'))).action(run(where));
  filtered(add('unlikely', 'outliers first: the most bits a point'))
    .option(
      '--prior <kind>',
      'own: that of the store, learnt from its functions, the default; stored: the bits that are stored; or one of the model',
    )
    .option(...cursorOption)
    .option(...kOption)
    .action(run(unlikely));
  paged(add('duplicates', 'functions that are as near as a threshold to one that stays; by ids'))
    .requiredOption(maxDistanceOption[0], maxDistanceOption[1], maxDistanceOption[2])
    .option('--label <label>', 'only functions with this label; may be repeated', collect)
    .option('--psnr <min:max>', 'only within; either end may be left out', range)
    .action(run(duplicates));
  add('run', 'any query, as the server takes it')
    .requiredOption('--request <file>', 'JSON; - is stdin')
    .action(run(request));
}

function paged(command: Command): Command {
  return command.option('--limit <n>', 'functions on a page', integer(1), 100).option(...cursorOption);
}

function filtered(command: Command): Command {
  return command
    .option('--label <label>', 'only functions with this label; may be repeated', collect)
    .option('--ids <id>', 'only this function; may be repeated', collect)
    .option('--psnr <min:max>', 'only within; either end may be left out', range)
    .option('--bits <min:max>', 'only within; either end may be left out', range)
    .option('--mean-above <x>', 'only where the mean of the field is above', real(-1e30, 1e30))
    .option('--mean-below <x>', 'only where the mean of the field is below', real(-1e30, 1e30))
    .option('--min-above <x>', 'its least value', real(-1e30, 1e30))
    .option('--min-below <x>', 'its least value', real(-1e30, 1e30))
    .option('--max-above <x>', 'its greatest value', real(-1e30, 1e30))
    .option('--max-below <x>', 'its greatest value', real(-1e30, 1e30))
    .option('--deviation-above <x>', 'its standard deviation', real(-1e30, 1e30))
    .option('--deviation-below <x>', 'its standard deviation', real(-1e30, 1e30))
    .option('--over <region>', `where these are taken: ${regionHint}; default: everywhere`)
    .option(...pointsOption);
}

async function near(
  job: Job,
  store: string,
  flags: CommonFlags &
    FilterFlags & {
      readonly maxDistance?: number;
      readonly id?: string;
      readonly signal?: string;
      readonly mask?: string;
      readonly region?: string;
      readonly k: number;
      readonly cursor?: string;
      readonly method: 'auto' | 'exact' | 'hnsw';
      readonly metric: 'values' | 'gram' | 'correlation' | 'pitch';
      readonly anywhere: boolean;
      readonly refine?: number;
    },
): Promise<Report> {
  const { id, k, cursor, method, metric, anywhere, refine, points, maxDistance } = flags;
  const filter = await filterOf(flags);
  const read = (path: string) =>
    readInput(path, { stdin: job.streams.stdin, maxBytes: flags.maxBytes, signal: job.signal });
  const file = flags.signal === undefined ? undefined : await read(flags.signal);
  const observed =
    flags.mask === undefined
      ? undefined
      : await readMask(flags.mask, await read(flags.mask), { maxBytes: flags.maxBytes, limits: job.limits });
  const mask = observed && Array.from(observed.values, (value) => value >= 0.5);
  return ask(job, store, flags, {
    ...{ kind: 'near', id, mask, k, cursor, method, metric, anywhere, refine, points, maxDistance, filter },
    signal: file && { file: Buffer.from(file).toString('base64') },
    region: await regionOf('--region', flags.region),
  });
}

async function similarRegion(
  job: Job,
  store: string,
  flags: CommonFlags &
    FilterFlags & {
      readonly maxDistance?: number;
      readonly id: string;
      readonly region: string;
      readonly anywhere: boolean;
      readonly k: number;
      readonly cursor?: string;
    },
): Promise<Report> {
  const { id, k, cursor, anywhere, points, maxDistance } = flags;
  const filter = await filterOf(flags);
  const region = (await regionOf('--region', flags.region))!;
  return ask(job, store, flags, {
    kind: 'similar_region',
    id,
    k,
    cursor,
    region,
    anywhere,
    points,
    maxDistance,
    filter,
  });
}

async function evaluate(
  job: Job,
  store: string,
  flags: CommonFlags &
    FilterFlags &
    PageFlags & { readonly at: readonly string[]; readonly derivatives: boolean },
): Promise<Report> {
  const { derivatives, limit, cursor } = flags;
  const coordinates = flags.at.map((text) => text.split(',').map(Number).reverse());
  const filter = await filterOf(flags);
  checkPoints(flags, filter);
  return ask(job, store, flags, { kind: 'evaluate', coordinates, derivatives, limit, cursor, filter });
}

async function aggregate(
  job: Job,
  store: string,
  flags: CommonFlags & FilterFlags & FieldFlags & { readonly size?: string; readonly region?: string },
): Promise<Report> {
  await checkField(job, flags);
  // Read here for a message that names the option.
  await sizeOf(flags);
  const filter = await filterOf(flags);
  if (flags.region === undefined) checkPoints(flags, filter);
  const region = await regionOf('--region', flags.region);
  const points = flags.region === undefined ? undefined : flags.points;
  return ask(
    job,
    store,
    flags,
    { kind: 'aggregate', size: flags.size, region, points, filter },
    flags.output === undefined ? () => reportOf : (model) => fieldWriter(job, model, flags),
  );
}

async function where(job: Job, store: string, flags: CommonFlags & FilterFlags & PageFlags): Promise<Report> {
  const { limit, cursor } = flags;
  const filter = await filterOf(flags);
  checkPoints(flags, filter);
  return ask(job, store, flags, { kind: 'where', limit, cursor, filter });
}

async function unlikely(
  job: Job,
  store: string,
  flags: CommonFlags &
    FilterFlags & { readonly k: number; readonly cursor?: string; readonly prior?: string },
): Promise<Report> {
  const { k, cursor, prior } = flags;
  const filter = await filterOf(flags);
  checkPoints(flags, filter);
  return ask(job, store, flags, { kind: 'unlikely', k, cursor, prior, filter });
}

async function duplicates(
  job: Job,
  store: string,
  flags: CommonFlags & FilterFlags & PageFlags & { readonly maxDistance: number },
): Promise<Report> {
  const { limit, cursor, maxDistance } = flags;
  const { field: _field, ...facts } = (await filterOf(flags)) ?? {};
  const filter = Object.keys(facts).length === 0 ? undefined : facts;
  return ask(job, store, flags, { kind: 'duplicates', limit, cursor, maxDistance, filter });
}

async function request(
  job: Job,
  store: string,
  flags: CommonFlags & { readonly request: string },
): Promise<Report> {
  const { stdin } = job.streams;
  const bytes = await readInput(flags.request, { stdin, maxBytes: flags.maxBytes, signal: job.signal });
  const json = fromOption('--request', () => jsonOf(bytes));
  return ask(job, store, flags, json as QueryInput);
}

/** What is reported of an answer, or what is done with it. */
type Told = (answer: Row) => Report | Promise<Report>;

function reportOf(answer: Row): Report {
  return { data: answer, lines: linesOf(answer) };
}

async function ask(
  job: Job,
  path: string,
  flags: CommonFlags,
  input: QueryInput,
  toldOf: (model: Model) => Told = () => reportOf,
): Promise<Report> {
  const { collectAnswer, NearIndexes, parseQuery, runQuery } = await import('../../query/index.ts');
  const { openFunctaset } = await import('../../functaset/index.ts');
  const query = parseQuery(input);
  const store = await openFunctaset(path, { readOnly: true });
  try {
    const model = await modelOfNetwork(flags.model, path, store.info.networkId);
    const told = toldOf(model);
    const answer = await withEngine(job, (engine) =>
      job.progress('query', 'functions', async (progress: Progress) => {
        const context = {
          ...{ store, model, engine, limits: job.limits },
          indexes: new NearIndexes({ store, model, engine }),
          readSignal: async (
            bytes: Uint8Array,
            { variable = flags.variable, grid = flags.grid }: Parts,
            { isFragment = false } = {},
          ) => {
            const signal = await readSignal(flags.signal ?? 'the signal', bytes, {
              model,
              parts: { variable, grid },
              as: isFragment ? 'part' : undefined,
              maxBytes: flags.maxBytes,
              limits: job.limits,
            });
            noteDropped(job, signal);
            return signal;
          },
        };
        const options = {
          signal: job.signal,
          onProgress: (done: number, total: number) => progress.update(done, total),
        };
        return collectAnswer(await runQuery(context, query, options));
      }),
    );
    const report = await told(answer);
    return { ...report, data: { store: path, ...report.data } };
  } finally {
    await store.close();
  }
}

/** The head in one line, then a table of the items; what an item does not say is a dash. */
function linesOf({ kind, items, next, ...head }: Row): string[] {
  const said = Object.entries(head).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const names = [...new Set((items as Row[]).flatMap((item) => Object.keys(item)))];
  const rows = (items as Row[]).map((item) => names.map((name) => cell(name, item[name] ?? null)));
  return [
    ...(said.length > 0 ? [said.join(', ')] : []),
    ...(rows.length > 0 ? columns([names, ...rows]) : ['none']),
    ...(next === null ? [] : [`more: --cursor ${next}`]),
  ];
}

function cell(name: string, value: unknown): string {
  if (name === 'psnrDb') return psnrText(value === null ? Infinity : Number(value));
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toPrecision(6);
  if (typeof value === 'string') return value;
  if (value === null) return '-';
  return JSON.stringify(value, (_, v) => (typeof v === 'number' ? Number(v.toPrecision(5)) : v));
}

/** Undefined where nothing is filtered by. */
async function filterOf(flags: FilterFlags) {
  const { label, ids, psnr, bits, over } = flags;
  const region = await regionOf('--over', over);
  const conditions = statistics.flatMap((statistic) => {
    const [above, below] = [flags[`${statistic}Above`], flags[`${statistic}Below`]];
    return above === undefined && below === undefined
      ? []
      : [{ statistic, region, above, below, points: flags.points }];
  });
  if (over !== undefined && conditions.length === 0) {
    throw new UsageError(
      'over-without-statistic',
      '--over says where a statistic of the field is taken; give one, such as --mean-above or --max-below',
    );
  }
  const field = conditions.length === 0 ? undefined : conditions;
  const filter = { labels: label && [...label], ids: ids && [...ids], psnrDb: psnr, bits, field };
  return Object.values(filter).every((part) => part === undefined) ? undefined : filter;
}

/** Those to which a command has nothing else that --points could be of. */
function checkPoints({ points }: FilterFlags, filter: Awaited<ReturnType<typeof filterOf>>): void {
  if (points === undefined || filter?.field !== undefined) return;
  throw new UsageError(
    'points-without-statistic',
    '--points says how many samples a statistic of the field looks at; give one, such as --mean-above',
  );
}

const statistics = ['mean', 'min', 'max', 'deviation'] as const;

async function regionOf(option: string, text: string | undefined) {
  if (text === undefined) return undefined;
  const { checkBoxText } = await import('../../signal/region.ts');
  fromOption(option, () => checkBoxText(text));
  return text;
}

function range(text: string): Range {
  const found = /^(-?[\d.]*):(-?[\d.]*)$/.exec(text);
  const ends = found?.slice(1).map((end) => (end === '' ? undefined : Number(end)));
  if (ends === undefined || ends.some(Number.isNaN))
    throw new InvalidArgumentError('Give min:max, such as 20:30.');
  const [min, max] = ends;
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new BadInputError('malformed-json', 'it is not JSON; give an object such as {"kind": "where"}');
  }
}
