/** What the command line of the perceptual benchmark takes. */
import { parseArgs } from 'node:util';
import { BadInputError } from '../../src/core/errors.ts';
import { maxEffort } from '../../src/fit/effort.ts';
import { numbers, usualModel, whole } from '../rate/options.ts';

export interface PerceptualOptions {
  /** A name of `functa data list`; `kodak:DIRECTORY`. */
  readonly data: string;
  readonly split: 'train' | 'validation' | 'test';
  readonly limit: number | undefined;
  /** Side of the square cut out of the middle of every picture; absent: whole pictures. */
  readonly crop: number | undefined;
  readonly model: string;
  readonly effort: number;
  readonly qualities: readonly number[];
  readonly peers: readonly ('webp' | 'avif' | 'jpeg')[];
  /** Pictures halved, coded, and decoded at twice their size. */
  readonly enlarge: boolean;
  readonly threads: number | undefined;
  readonly json: string | undefined;
  /** JSON of another run, to compare with. */
  readonly against: string | undefined;
}

const usage = `npm run bench:perceptual -- --data NAME [options]
  --data NAME            cifar10, emoji-64, fixture-emoji, kodak:DIRECTORY
  --split SPLIT          train, validation or test (test)
  --limit N              the first N pictures (all)
  --crop N               the middle N x N of every picture
  --model MODEL          a model file, or the name of one in models/ (that of the data set)
  --effort N             1 to ${maxEffort} (3)
  --qualities LIST       (40,50,60,70)
  --peers LIST           of jpeg,webp,avif; none (webp,avif)
  --no-enlarge           leave out decoding at twice and four times the size
  --threads N
  --json FILE            keep the figures of this run
  --against FILE         compare with those of another`;

/** Throws BadInputError `usage`. */
export function readOptions(args: readonly string[]): PerceptualOptions {
  const { values } = parse(args);
  if (values.help === true || values.data === undefined) throw new BadInputError('bench-usage', usage);
  const split = values.split ?? 'test';
  if (split !== 'train' && split !== 'validation' && split !== 'test')
    throw new BadInputError('bench-usage', `--split is one of train, validation, test, not ${split}`);
  const optional = (name: 'limit' | 'crop' | 'threads') =>
    values[name] === undefined ? undefined : whole(name, values[name], 1);
  return {
    data: values.data,
    split,
    limit: optional('limit'),
    crop: optional('crop'),
    model: values.model ?? usualModel(values.data.replace(/:.*/, '')),
    effort: whole('effort', values.effort ?? '3', 1, maxEffort),
    qualities: numbers('qualities', values.qualities ?? '40,50,60,70'),
    peers: peersOf(values.peers ?? 'webp,avif'),
    enlarge: values['no-enlarge'] !== true,
    threads: optional('threads'),
    json: values.json,
    against: values.against,
  };
}

function peersOf(text: string): PerceptualOptions['peers'] {
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    if (name === 'jpeg' || name === 'webp' || name === 'avif') return name;
    throw new BadInputError('bench-usage', `--peers is of jpeg, webp, avif, not ${name}`);
  });
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ data: text, split: text, limit: text, crop: text, model: text, effort: text, qualities: text },
        ...{ peers: text, 'no-enlarge': flag, threads: text, json: text, against: text, help: flag },
      },
    });
  } catch (error) {
    throw new BadInputError('bench-usage', `${error instanceof Error ? error.message : error}\n${usage}`);
  }
}
