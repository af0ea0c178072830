/** The figures of a run as text, and two runs side by side. */
import { columns } from '../../src/cli/text.ts';
import { rateDifference } from '../rate/bd.ts';
import { mean, standardError } from '../rate/curve.ts';
import type { Setting } from '../rate/setting.ts';
import type { Figures } from './measure.ts';
import type { Measure } from './tools.ts';

/** Figures of all pictures at one setting of one format. */
export interface Row {
  readonly name: string;
  readonly setting: string;
  /** [pictures]. */
  readonly figures: readonly Figures[];
}

export interface PerceptualResult extends Setting {
  readonly title: string;
  readonly measures: readonly Omit<Measure, 'score'>[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** Digits of figures that no tool measures. */
const digits: Readonly<Record<string, number>> = { bitsPerPixel: 4 };

/** Lines of the whole report: a table for each format, means over pictures with standard errors. */
export function report({
  title,
  machine,
  load,
  runtime,
  commit,
  command,
  ...result
}: PerceptualResult): string[] {
  const { measures, rows, notes } = result;
  const names = [...new Set(rows.map(({ name }) => name))];
  return [
    title,
    `${machine}; load ${load}; ${runtime}; commit ${commit}`,
    command,
    ...measures.map(({ name, equal, better }) => `${name}: ${equal} for equal pictures, ${better} is better`),
    ...names.flatMap((name) => [
      '',
      name,
      ...table(
        rows.filter((row) => row.name === name),
        measures,
      ),
    ]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ];
}

function table(rows: readonly Row[], measures: PerceptualResult['measures']): string[] {
  const keys = Object.keys(rows[0]!.figures[0]!);
  const digitsOf = (key: string) =>
    measures.find((measure) => key.startsWith(measure.key))?.digits ?? digits[key] ?? 2;
  return columns([
    ['setting', ...keys],
    ...rows.map(({ setting, figures }) => [
      setting,
      ...keys.map((key) => withError(known(figures, key), digitsOf(key))),
    ]),
  ]);
}

/** Of the pictures that have the figure, JSON's null for NaN among those that have not. */
function known(figures: readonly Figures[], key: string): number[] {
  return figures
    .map((own) => own[key] as number | null)
    .filter((v) => v !== null && Number.isFinite(v)) as number[];
}

function withError(values: readonly number[], places: number): string {
  if (values.length === 0) return '-';
  const error = values.length > 1 ? ` +- ${standardError(values).toFixed(places)}` : '';
  return `${mean(values).toFixed(places)}${error}`;
}

/** By how much the rate of each format of two runs differs at equal PSNR and at equal scores; below 0 the second takes fewer bits. */
export function comparison(before: PerceptualResult, after: PerceptualResult): string[] {
  const axes = [{ key: 'psnr', name: 'PSNR', better: 'higher' as const }, ...after.measures];
  const names = [...new Set(after.rows.map(({ name }) => name))].filter((name) =>
    before.rows.some((row) => row.name === name),
  );
  return [
    `Rate of commit ${after.commit} less that of ${before.commit}, at equal`,
    ...columns([
      ['', ...axes.map(({ name }) => name)],
      ...names.map((name) => [name, ...axes.map((axis) => difference(before, after, name, axis))]),
    ]),
  ];
}

function difference(
  before: PerceptualResult,
  after: PerceptualResult,
  name: string,
  { key, better }: { readonly key: string; readonly better: 'higher' | 'lower' },
): string {
  const [ours, theirs] = [after, before].map(({ rows }) =>
    rows
      .filter((row) => row.name === name)
      .map(({ figures }) => ({
        bitsPerPixel: mean(known(figures, 'bitsPerPixel')),
        // the axis of the comparison has to rise with quality, and differences of more than a tenth count
        psnrDb: (better === 'higher' ? 1 : -100) * mean(known(figures, key)),
      })),
  );
  const all = { fromDb: Number.NEGATIVE_INFINITY, toDb: Number.POSITIVE_INFINITY };
  const found = rateDifference(ours!, theirs!, all, 'cubic');
  return found === null ? '-' : `${found.percent < 0 ? '' : '+'}${found.percent.toFixed(2)} %`;
}
