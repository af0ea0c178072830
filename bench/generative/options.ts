/** What the command line of the benchmark takes. */
import { parseArgs } from 'node:util';
import { BadInputError } from '../../src/core/errors.ts';

export const partNames = ['bits', 'samples', 'completion', 'coarse'] as const;
export type PartName = (typeof partNames)[number];

export interface GenerativeOptions {
  readonly data: string;
  /** Name or path of the model. */
  readonly model: string;
  readonly split: 'validation' | 'test';
  readonly parts: readonly PartName[];
  /** Of those that the model has; absent: all. */
  readonly priors: readonly string[] | undefined;
  /** Samples of each prior. */
  readonly samples: number;
  /** Signals whose bits are counted. */
  readonly items: number;
  /** Signals completed behind each mask. */
  readonly completions: number;
  /** Of those of completion.ts; absent: all. */
  readonly masks: readonly string[] | undefined;
  /** Of each of them; from 2 on, what they and their mean are off by is measured, too. */
  readonly draws: number;
  /** A store whose own prior completes, too. */
  readonly functaset: string | undefined;
  /** Of that store: by so many functions that are most like what is known, too. */
  readonly nearest: number | undefined;
  /** Of the diffusion towards its label, rows for each; absent: what its card says. */
  readonly guidance: readonly number[] | undefined;
  readonly temperature: number;
  /** Of the diffusion's sampler, a row each; absent: what its card says, else its own. */
  readonly steps: readonly number[] | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly json: boolean;
  /** Directory of the table and the JSON; rows of earlier runs that this one does not make are kept. */
  readonly out: string | undefined;
}

export const usage = `npm run bench:generative -- [options]
  --data NAME         a labelled set of pictures of one shape (fashion-mnist)
  --model MODEL       a model file, or the name of one in models/ (that of the data set)
  --split SPLIT       validation or test (test)
  --parts LIST        of ${partNames.join(',')} (all)
  --priors LIST       of those the model has (all)
  --samples N         samples of each prior (1000)
  --items N           signals whose bits are counted (500)
  --completions N     signals completed behind each mask (200)
  --masks LIST        of those of completion.ts: left half, bottom half, ... (all)
  --draws N           of each completed signal; from 2 on measured, too (0)
  --functaset STORE   complete by the own prior of this store, too
  --nearest N         of that store: by the N functions most like what is known, instead
  --guidance LIST     of the diffusion towards its label, rows for each (what its card says)
  --temperature T     of the diffusion (1)
  --steps LIST        of the diffusion's sampler, a row each (what its card says, else 18)
  --seed N            (1)
  --threads N         (1)
  --out DIRECTORY     write generative-NAME.json and .md
  --json              print JSON`;

export function readOptions(args: readonly string[]): GenerativeOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: text,
      model: text,
      split: text,
      parts: text,
      priors: text,
      samples: text,
      items: text,
      completions: text,
      masks: text,
      draws: text,
      functaset: text,
      nearest: text,
      guidance: text,
      temperature: text,
      steps: text,
      seed: text,
      threads: text,
      out: text,
      json: { type: 'boolean' },
    },
  });
  const data = values.data ?? 'fashion-mnist';
  const split = values.split ?? 'test';
  if (split !== 'test' && split !== 'validation') throw wrong('split', split);
  const parts = (values.parts ?? partNames.join()).split(',').map((name) => {
    const part = partNames.find((known) => known === name);
    if (part === undefined) throw wrong('parts', name);
    return part;
  });
  return {
    data,
    split,
    parts,
    model: values.model ?? data,
    priors: values.priors?.split(','),
    samples: whole('samples', values.samples, 1000),
    items: whole('items', values.items, 500),
    completions: whole('completions', values.completions, 200),
    masks: values.masks?.split(',').map((name) => name.trim()),
    draws: values.draws === undefined ? 0 : whole('draws', values.draws, 0),
    functaset: values.functaset,
    nearest: values.nearest === undefined ? undefined : whole('nearest', values.nearest, 1000),
    guidance: values.guidance?.split(',').map((guidance) => weight('guidance', guidance)),
    temperature: Number(values.temperature ?? 1),
    steps: values.steps?.split(',').map((steps) => whole('steps', steps, 18)),
    seed: whole('seed', values.seed, 1),
    threads: whole('threads', values.threads, 1),
    json: values.json ?? false,
    out: values.out,
  };
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(name, text);
}

function weight(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw wrong(name, text);
}

function wrong(name: string, text: string | undefined): BadInputError {
  return new BadInputError('bench-option', `--${name} ${text} is not one of its values\n${usage}`);
}

/** Numbers between commas; a lone undefined where nothing is asked. */
export function numbersAsked(text: string | undefined): (number | undefined)[] {
  return text === undefined ? [undefined] : text.split(',').map(Number);
}
