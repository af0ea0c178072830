/** What the benchmark finds, and how rows of several runs become one result. */
import { readSetting, type Setting } from '../rate/setting.ts';
import type { GenerativeOptions } from './options.ts';

interface Row {
  readonly name: string;
  /** Where and when the row was measured: an index into `settings`. */
  readonly setting: number;
  readonly n: number;
}

export interface BitsRow extends Row {
  /** -log2 of the probability of the quantised modulation over its numbers, mean and standard error. */
  readonly bitsPerDimension: number;
  readonly standardError: number;
  /** `code`: by a coder's integer tables; `bound`: of a density, with uniform noise of a step. */
  readonly kind: 'code' | 'bound';
}

export interface SamplesRow extends Row {
  readonly frechet: number;
  readonly precision: number;
  readonly recall: number;
  /** Median distance to the nearest training function over that of functions of the split. */
  readonly memorisation: number;
  /** Share of samples that the classifier of pictures sees as what was asked; null: nothing could be asked. */
  readonly classAccuracy: number | null;
  readonly msPerSample: number | null;
}

export interface CompletionRow extends Row {
  readonly mask: string;
  /** On the hidden points, mean of items. */
  readonly psnrDb: number;
  /** By adaptation alone, of the same items. */
  readonly withoutDb: number;
  readonly gainDb: number;
  readonly gainStandardError: number;
  /** By the harmonic fill of the same items (`harmonic.ts`), and what the prior gains over it; absent: not measured then. */
  readonly harmonicDb?: number;
  readonly overHarmonicDb?: number;
  readonly overHarmonicStandardError?: number;
  /** PSNR of the mean of draws, and mean PSNR of each draw; absent: none were drawn. */
  readonly meanOfDrawsDb?: number;
  readonly drawDb?: number;
  /** Frechet distance of the first draw of each to these items, in the features of the classifier of pictures; absent: none were drawn. */
  readonly drawFrechet?: number;
  /** See `Completion.surprise`. */
  readonly medianSurprise?: number;
  readonly secondsPerItem: number;
}

export interface CoarseRow extends Row {
  /** How the coarse version was made. */
  readonly mask: string;
  readonly psnrDb: number;
  readonly overPlainDb: number;
  readonly overPlainStandardError: number;
  /** Sum of differences between neighbours over that of the picture: 1 is as sharp. */
  readonly sharpness: number;
  readonly secondsPerItem: number;
}

export type Found<T extends Row> = Omit<T, 'setting'>;

export interface GenerativeResult {
  readonly dataset: string;
  readonly split: string;
  readonly model: string;
  readonly modelId: string;
  readonly settings: readonly (Setting & { readonly date: string })[];
  readonly bits: readonly BitsRow[];
  readonly samples: readonly SamplesRow[];
  readonly completion: readonly CompletionRow[];
  /** Absent in results of before. */
  readonly coarse?: readonly CoarseRow[];
}

export interface FoundRows {
  readonly bits: readonly Found<BitsRow>[];
  readonly samples: readonly Found<SamplesRow>[];
  readonly completion: readonly Found<CompletionRow>[];
  readonly coarse?: readonly Found<CoarseRow>[];
}

/** Rows of `before`, of the same model and split, stay where `rows` has none of their name. */
export function resultOf(
  options: GenerativeOptions,
  model: { readonly id: string; readonly card: { readonly name: string } },
  rows: FoundRows,
  args: readonly string[],
  before: GenerativeResult | undefined,
): GenerativeResult {
  const kept = before?.modelId === model.id && before.split === options.split ? before : undefined;
  const setting = { ...readSetting('bench:generative', args), date: new Date().toISOString().slice(0, 10) };
  const all = [...(kept?.settings ?? []), setting];
  const merge = <T extends Row & { readonly mask?: string }>(
    old: readonly T[] = [],
    found: readonly Found<T>[],
  ) => {
    const key = ({ name, mask }: Found<T> | T) => `${name} ${mask ?? ''}`;
    const fresh = new Map(found.map((row) => [key(row), { ...row, setting: all.length - 1 } as T]));
    const stay = old.map((row) => fresh.get(key(row)) ?? row);
    const known = new Set(old.map(key));
    return [...stay, ...[...fresh].filter(([name]) => !known.has(name)).map(([, row]) => row)];
  };
  return {
    dataset: options.data,
    split: options.split,
    model: model.card.name,
    modelId: model.id,
    settings: all,
    bits: merge(kept?.bits, rows.bits),
    samples: merge(kept?.samples, rows.samples),
    completion: merge(kept?.completion, rows.completion),
    coarse: merge(kept?.coarse, rows.coarse ?? []),
  };
}

/** Lines of text, for people. */
export function report(result: GenerativeResult): string[] {
  const { bits, samples, completion, coarse = [], settings, dataset, split, model } = result;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
  const ratio = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
  return [
    `# ${dataset}: priors as generators`,
    '',
    `Model ${model}, ${split} split. The last column names the run below.`,
    '',
    ...table(
      ['prior', 'held-out bits per dimension', 'how', 'n', 'run'],
      bits.map((row) => [
        row.name,
        `${row.bitsPerDimension.toFixed(4)} ± ${row.standardError.toFixed(4)}`,
        row.kind,
        `${row.n}`,
        `${row.setting + 1}`,
      ]),
    ),
    ...table(
      [
        'samples',
        'Frechet distance',
        'precision',
        'recall',
        'nearest train / test',
        'class as asked',
        'ms each',
        'n',
        'run',
      ],
      samples.map((row) => [
        row.name,
        row.frechet.toFixed(3),
        ratio(row.precision),
        ratio(row.recall),
        row.memorisation.toFixed(3),
        ratio(row.classAccuracy),
        row.msPerSample?.toFixed(1) ?? '-',
        `${row.n}`,
        `${row.setting + 1}`,
      ]),
    ),
    ...(samples.length === 0
      ? []
      : [
          'The distance is in the features of a small classifier of pictures trained here: it is no FID, and compares with nothing outside this table.',
          '',
        ]),
    ...table(
      [
        'prior',
        'hidden',
        'PSNR there',
        'without the prior',
        'gain',
        'harmonic fill',
        'gain over it',
        'mean of draws',
        'a draw',
        'Frechet distance of draws',
        'surprise',
        's each',
        'n',
        'run',
      ],
      completion.map((row) => [
        row.name,
        row.mask,
        `${row.psnrDb.toFixed(2)} dB`,
        `${row.withoutDb.toFixed(2)} dB`,
        `${row.gainDb.toFixed(2)} ± ${row.gainStandardError.toFixed(2)} dB`,
        decibels(row.harmonicDb),
        decibels(row.overHarmonicDb, row.overHarmonicStandardError),
        decibels(row.meanOfDrawsDb),
        decibels(row.drawDb),
        row.drawFrechet?.toFixed(3) ?? '-',
        row.medianSurprise?.toFixed(2) ?? '-',
        row.secondsPerItem.toFixed(2),
        `${row.n}`,
        `${row.setting + 1}`,
      ]),
    ),
    ...table(
      ['from a coarse version', 'of', 'PSNR', 'over plain decoding', 'sharpness', 's each', 'n', 'run'],
      coarse.map((row) => [
        row.name,
        row.mask,
        `${row.psnrDb.toFixed(2)} dB`,
        decibels(row.overPlainDb, row.overPlainStandardError),
        row.sharpness.toFixed(3),
        row.secondsPerItem.toFixed(2),
        `${row.n}`,
        `${row.setting + 1}`,
      ]),
    ),
    ...settings.map(
      ({ command, machine, runtime, load, commit, date }, i) =>
        `${i + 1}. \`${command}\`: ${machine}, ${runtime}, load ${load}, commit ${commit}, ${date}`,
    ),
  ];
}

function decibels(value: number | undefined, standardError?: number): string {
  if (value === undefined) return '-';
  return `${value.toFixed(2)}${standardError === undefined ? '' : ` ± ${standardError.toFixed(2)}`} dB`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Mean and standard error. */
export function meanOf(values: ArrayLike<number>): { readonly mean: number; readonly standardError: number } {
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, all.length - 1);
  return { mean, standardError: Math.sqrt(variance / all.length) };
}
