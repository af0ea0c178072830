/** Readers of option values that commander calls; a bad value is a usage error that says what fits. */
import { InvalidArgumentError, Option } from 'commander';
import { type Split, splits } from '../../datasets/dataset.ts';
import { BadInputError } from '../core/errors.ts';
import { defaultLimits, limitNames, limitTable } from '../core/limits.ts';
import { maxEffort } from '../fit/effort.ts';
import { defaultGrid, leastGrid, mostGrid, type Parts } from '../formats/format.ts';
import { type Keeping, keepings } from '../session/keeping.ts';
import { type MaxError, parseMaxError } from '../session/max-error.ts';
import type { Size } from '../signal/region.ts';
import { UsageError } from './exit.ts';

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Give a whole number ${range}.`);
    return value;
  };
}

/** A number from `min` to `max`. */
export function real(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Give a number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Names between commas, without repeats. */
export function list(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Give names between commas.');
  return [...new Set(names)];
}

/** Whole numbers between commas. */
export function integers(min: number, max: number): (text: string) => number[] {
  return listOf(integer(min, max));
}

/** Numbers between commas. */
export function reals(min: number, max: number): (text: string) => number[] {
  return listOf(real(min, max));
}

function listOf<T>(read: (text: string) => T): (text: string) => T[] {
  return (text) => list(text).map(read);
}

/** A library's complaint about an option's text is a usage error here. */
export function fromOption<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadInputError) throw new UsageError(error.code, `${option}: ${error.message}`);
    throw error;
  }
}

export interface OutputFlags {
  readonly output?: string;
  readonly force: boolean;
}

export const outputFlag = '-o, --output <file>';
export const effortOption = [
  '--effort <n>',
  'from 1, the learnt steps alone, to 9: time for bits (docs/results/effort.md)',
  integer(1, maxEffort),
  1,
] as const;

export const forceOption = ['-f, --force', 'replace the output if it exists', false] as const;

/** The limits that every command keeps; `--max-bytes` is of those that read files. */
export function limitOptions(): Option[] {
  return limitNames
    .filter((name) => name !== 'maxFileBytes')
    .map((name) => {
      const { flag, what, usual } = limitTable[name];
      return new Option(`${flag} <n>`, `refuse more ${what}; default: ${usual}`).argParser(integer(1));
    });
}

/** Which part of a file of several things is read, and how fine what has no samples is laid out. */
export interface PartFlags {
  readonly variable?: string;
  readonly grid?: number;
}

export function partOptions(): Option[] {
  return [variableOption(), gridOption()];
}

export function variableOption(): Option {
  return new Option(
    '--variable <name>',
    'of a file of several fields: NAME, NAME[time=3], or U,V as channels',
  );
}

export function gridOption(): Option {
  return new Option(
    '--grid <n>',
    `samples a side of the grid that a surface is laid on; default: ${defaultGrid}`,
  ).argParser(integer(leastGrid, mostGrid));
}

/** What of the flags says which part of a file is read. */
export function partsOf({ variable, grid }: PartFlags): Parts {
  return { variable, grid };
}

/** The most bytes that are read from one input. */
export function maxBytesOption(): Option {
  return new Option('--max-bytes <n>', 'refuse larger inputs')
    .argParser(integer(1))
    .default(defaultLimits.maxFileBytes);
}

export const dataOption = [
  '-d, --data <name>',
  'a data set from: functa data list; or NAME:DIRECTORY',
] as const;
export const cacheOption = [
  '--cache-dir <directory>',
  'where data sets are kept; default: $FUNCTA_DATA, else ~/.cache/functa/data',
] as const;

export function splitOption(split: Split): Option {
  return new Option('--split <split>', 'part of the data set').choices(splits).default(split);
}

/** The same where all parts together are a choice. */
export function splitOrAllOption(split: Split | 'all'): Option {
  return new Option('--split <split>', 'part of the data set').choices([...splits, 'all']).default(split);
}

/** An option that may be repeated. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

export const qualityOption = ['--quality <q>', 'from 1, fewest bits, to 100', integer(1, 100), 50] as const;
/** What is to be reached, instead of a quality. */
export function targetOptions(): Option[] {
  return [
    new Option('--psnr <dB>', 'the lowest quality found that has this PSNR, instead of --quality')
      .argParser(real(0.1, 200))
      .conflicts(['quality', 'bytes']),
    new Option('--bytes <n>', 'the highest quality found whose file has at most n bytes')
      .argParser(integer(1))
      .conflicts(['quality', 'psnr']),
  ];
}

/** A bound on errors; `what` is done with it. */
export function maxErrorOption(what: string): Option {
  return new Option(
    '--max-error <bound>',
    `${what}: in the unit of the values, or a share of their range such as 1%`,
  ).argParser((text: string): MaxError => {
    try {
      return parseMaxError(text);
    } catch {
      throw new InvalidArgumentError('Give a number above 0, or a share such as 1%.');
    }
  });
}

export const priorOption = [
  '--prior <kind>',
  'histogram, factorized or autoregressive; default: the best in the model',
] as const;

export function stepsOption(): Option {
  const what =
    'of small files: chosen, so that a higher quality is never worse, or asked, those of the quality itself, 3 to 10 times as fast';
  return new Option('--steps <how>', what).choices(['chosen', 'asked']).default('chosen');
}

export function keepOption(): Option {
  const what = 'of what an input says beside its values: all, axes (where samples stand) or none';
  return new Option('--keep <what>', what).choices(keepings).default('all' satisfies Keeping);
}

/** What `--size` says, where it is given. Throws UsageError `bad-size`. */
export async function sizeOf({ size }: { readonly size?: string }): Promise<Size | undefined> {
  const { parseSize } = await import('../signal/index.ts');
  return size === undefined ? undefined : fromOption('--size', () => parseSize(size));
}
