/** What the command line of the benchmark takes. */
import { parseArgs } from 'node:util';
import { BadInputError } from '../../src/core/errors.ts';
import { maxEffort } from '../../src/fit/effort.ts';
import type { Range } from './bd.ts';
import { toolKeys } from './peers-tools.ts';

export const baselineNames = ['histogram', 'factorized', 'pca', 'coin'] as const;
export type BaselineName = (typeof baselineNames)[number];

export const peerKeys: readonly string[] = ['jpeg', 'webp', 'avif', ...toolKeys];

export interface RateOptions {
  /** A name of `functa data list`; `kodak:DIRECTORY`. */
  readonly data: string;
  readonly split: 'train' | 'validation' | 'test';
  readonly limit: number | undefined;
  /** Name or path of the model. */
  readonly model: string;
  readonly effort: number;
  readonly qualities: readonly number[];
  readonly prior: string | undefined;
  readonly batch: number | undefined;
  /** Files encoded at the same time; above 1 none are adapted together. */
  readonly together: number;
  readonly peers: readonly string[];
  readonly baselines: readonly BaselineName[];
  readonly published: boolean;
  /** A curve of equal bytes for every picture, too. */
  readonly equalBytes: boolean;
  readonly range: Range;
  readonly coin: { readonly limit: number; readonly steps: number };
  /** Pictures of the training split that axes and tables are made from. */
  readonly pca: { readonly training: number; readonly axes: number };
  readonly engine: string | undefined;
  readonly threads: number | undefined;
  readonly json: boolean;
  /** Directory of JSON, table, SVG and PNG. */
  readonly out: string | undefined;
  /** Directory of kept results; absent: none are kept. */
  readonly cache: string | undefined;
}

export const usage = `npm run bench:rate -- --data NAME [options]
  --data NAME            cifar10, emoji-64, emoji-32, fashion-mnist, kodak:DIRECTORY
  --split SPLIT          train, validation or test (test)
  --limit N              the first N pictures (all)
  --model MODEL          a model file, or the name of one in models/ (that of the data set)
  --effort N             1 to ${maxEffort} (5)
  --qualities LIST       of our curve (35,40,...,80)
  --prior KIND           the model's best
  --batch N              pictures adapted together
  --together N           files encoded at the same time, a picture each (1)
  --peers LIST           of ${peerKeys.join(',')}; none (all)
  --baselines LIST       of ${baselineNames.join(',')}; none (histogram,factorized,pca)
  --preset coin          add COIN to the baselines
  --equal-bytes          a curve of about the same bytes for every picture, too
  --no-published         leave published curves out
  --range FROM..TO       PSNR compared, dB (by data set)
  --coin-limit N         pictures that COIN is fitted to (8)
  --coin-steps N         of Adam (5000)
  --pca-training N       pictures (12000)
  --pca-axes N           at most (1536)
  --engine NAME, --threads N
  --json                 JSON instead of the table
  --out DIRECTORY        write JSON, table, SVG and PNG there
  --no-cache             measure other formats again`;

/** PSNRs that say something about a data set. */
const ranges: Readonly<Record<string, Range>> = {
  cifar10: { fromDb: 24, toDb: 34 },
  kodak: { fromDb: 24, toDb: 36 },
  emoji: { fromDb: 24, toDb: 40 },
  'fashion-mnist': { fromDb: 24, toDb: 38 },
};

/** Models of data sets that are not called like them; sizes (emoji-64) are no part of the name. */
const models: Readonly<Record<string, string>> = { kodak: 'photos', images: 'photos' };

/** The model of a data set. */
export function usualModel(dataset: string): string {
  const name = dataset.replace(/:.*/, '');
  return models[name] ?? name.replace(/-\d+$/, '');
}

/** Throws BadInputError `usage` with a line that says what fits. */
export function readOptions(args: readonly string[]): RateOptions {
  const { values } = parse(args);
  if (values.help === true || values.data === undefined) throw new BadInputError('bench-usage', usage);
  const name = values.data.replace(/:.*/, '');
  const split = oneOf('split', values.split ?? 'test', ['train', 'validation', 'test'] as const);
  const baselines = listOf('baselines', values.baselines ?? 'histogram,factorized,pca', baselineNames);
  if (values.preset !== undefined) oneOf('preset', values.preset, ['coin'] as const);
  const qualities = numbers('qualities', values.qualities ?? '35,40,45,50,55,60,65,70,75,80');
  if (values['equal-bytes'] === true && qualities.length < 2)
    throw new BadInputError('bench-usage', '--equal-bytes takes at least two --qualities');
  return {
    data: values.data,
    split,
    limit: values.limit === undefined ? undefined : whole('limit', values.limit),
    model: values.model ?? usualModel(name),
    effort: whole('effort', values.effort ?? '5', 1, maxEffort),
    qualities,
    prior: values.prior,
    batch: values.batch === undefined ? undefined : whole('batch', values.batch),
    together: whole('together', values.together ?? '1'),
    peers: listOf('peers', values.peers ?? peerKeys.join(','), peerKeys),
    baselines: values.preset === undefined ? baselines : [...new Set([...baselines, 'coin' as const])],
    published: values['no-published'] !== true,
    equalBytes: values['equal-bytes'] === true,
    range: rangeOf(values.range, name),
    coin: {
      limit: whole('coin-limit', values['coin-limit'] ?? '8'),
      steps: whole('coin-steps', values['coin-steps'] ?? '5000'),
    },
    pca: {
      training: whole('pca-training', values['pca-training'] ?? '12000', 8),
      axes: whole('pca-axes', values['pca-axes'] ?? '1536', 1, 16384),
    },
    engine: values.engine,
    threads: values.threads === undefined ? undefined : whole('threads', values.threads),
    json: values.json === true,
    out: values.out,
    cache: values['no-cache'] === true ? undefined : '.cache/rate',
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        data: text,
        split: text,
        limit: text,
        model: text,
        effort: text,
        qualities: text,
        prior: text,
        batch: text,
        together: text,
        peers: text,
        baselines: text,
        preset: text,
        'no-published': flag,
        'equal-bytes': flag,
        range: text,
        'coin-limit': text,
        'coin-steps': text,
        'pca-training': text,
        'pca-axes': text,
        engine: text,
        threads: text,
        json: flag,
        out: text,
        'no-cache': flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new BadInputError('bench-usage', `${error instanceof Error ? error.message : error}\n${usage}`);
  }
}

function rangeOf(text: string | undefined, name: string): Range {
  if (text === undefined)
    return ranges[name] ?? ranges[name.replace(/-\d+$/, '')] ?? { fromDb: 24, toDb: 38 };
  const [fromDb = Number.NaN, toDb = Number.NaN] = text.split('..').map(Number);
  if (!(fromDb < toDb))
    throw new BadInputError('bench-usage', `--range is FROM..TO in decibels, not ${text}`);
  return { fromDb, toDb };
}

export function whole(option: string, text: string, least = 1, most = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new BadInputError('bench-usage', `--${option} is a whole number ${bounds}, not ${text}`);
}

export function numbers(option: string, text: string): number[] {
  return [...new Set(text.split(',').map((part) => whole(option, part.trim(), 1, 100)))].sort(
    (a, b) => a - b,
  );
}

function oneOf<T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new BadInputError('bench-usage', `--${option} is one of ${known.join(', ')}, not ${text}`);
}

function listOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  if (text === 'none') return [];
  return [...new Set(text.split(',').map((part) => oneOf(option, part.trim(), known)))];
}
