/** The result as text: what is lost stands as plainly as what is won. */
import { columns } from '../../src/cli/text.ts';
import { rateAt } from './bd.ts';
import { type Comparison, decibels } from './comparison.ts';
import type { Curve, Form, Point } from './curve.ts';
import type { RateResult } from './result.ts';
import { spans, type Target } from './targets.ts';

const forms: Readonly<Record<Form, string>> = {
  archive: 'an archive of all pictures, over pictures',
  file: 'whole files',
  payload: "files less the container's fixed part",
  weights: 'weights alone',
  published: 'as published',
};

/** Lines of the whole report. */
export function report(result: RateResult): string[] {
  return [
    ...head(result),
    '',
    'Bits per pixel at equal PSNR; in brackets what we take more (+) or less (-) than that',
    ...equalPsnr(result),
    '',
    `BD-rate of functa (${result.curves[0]!.form}) against each, from ${result.range.fromDb} to ${result.range.toDb} dB where both are; below 0 we take fewer bits`,
    ...differences(result.comparisons),
    ...(result.comparisonsOfOtherForm.length === 0
      ? []
      : ['', `The same of ${result.curves[1]!.name}`, ...differences(result.comparisonsOfOtherForm)]),
    ...(result.comparisonsOfEqualBytes.length === 0
      ? []
      : ['', 'The same with equal bytes for every picture', ...differences(result.comparisonsOfEqualBytes)]),
    ...(result.targets.length === 0 ? [] : ['', 'Targets', ...targets(result.targets)]),
    '',
    'Points, means over pictures with standard errors; times are per picture, those of other formats from the first few',
    ...result.curves.flatMap(points),
    ...(result.notes.length === 0 ? [] : ['', ...result.notes]),
  ];
}

function head(result: RateResult): string[] {
  const { dataset, split, n, model, modelDigest, effort, engine, threads, seconds } = result;
  return [
    `${dataset} ${split}, ${n} pictures; model ${model} (${modelDigest}), effort ${effort}, engine ${engine} with ${threads} threads`,
    `${result.machine}; load ${result.load}; ${result.runtime}; commit ${result.commit}; ${seconds.toFixed(0)} s`,
    result.command,
    'PSNR is the mean of that of every picture, 8 bits.',
  ];
}

/** One line a curve, one column a PSNR. */
function equalPsnr({ curves, range }: RateResult): string[] {
  const at = decibels(range);
  const ours = curves[0]!;
  const cell = (curve: Curve, psnrDb: number) => {
    const rate = rateAt(curve.points, psnrDb);
    if (rate === null) return '-';
    const own = rateAt(ours.points, psnrDb);
    if (curve === ours || own === null) return rate.toFixed(3);
    return `${rate.toFixed(3)} (${signed(100 * (own / rate - 1))} %)`;
  };
  return columns([
    ['', ...at.map((psnrDb) => `${psnrDb} dB`)],
    ...curves.map((curve) => [curve.name, ...at.map((psnrDb) => cell(curve, psnrDb))]),
  ]);
}

function differences(comparisons: readonly Comparison[]): string[] {
  const rows = [...comparisons].sort((a, b) => a.linear - b.linear);
  return columns([
    ['against', 'BD-rate', '+-', 'cubic', 'compared', ''],
    ...rows.map(({ against, linear, error, cubic, fromDb, toDb, lossesDb }) => [
      against,
      `${signed(linear)} %`,
      error === null ? '-' : error.toFixed(1),
      `${signed(cubic)} %`,
      `${fromDb.toFixed(1)} to ${toDb.toFixed(1)} dB`,
      verdict(linear, lossesDb),
    ]),
  ]);
}

function targets(all: readonly Target[]): string[] {
  const word = (met: boolean | null) => (met === null ? '-' : met ? 'met' : 'NOT MET');
  return columns([
    ['', 'must', '', 'aim', '', 'found'],
    ...all.map(({ what, must, aim, got, met, aimMet }) => [what, must, word(met), aim, word(aimMet), got]),
  ]);
}

function verdict(linear: number, lossesDb: readonly number[]): string {
  if (linear >= 0) return 'LOSS: we take more bits';
  return lossesDb.length === 0 ? 'fewer bits' : `fewer bits on the whole, LOSS at ${spans(lossesDb)} dB`;
}

function points(curve: Curve): string[] {
  const { name, form, source, n } = curve;
  const count = n === undefined ? '' : `, the first ${n} pictures`;
  return [
    '',
    `${name} (${forms[form]}${count}): ${source}`,
    ...columns([
      ['setting', 'bits/pixel', 'psnr', 'psnr of mean mse', 'encode', 'decode'],
      ...curve.points.map(line),
    ]).map((row) => `  ${row}`),
  ];
}

function line(point: Point): string[] {
  return [
    point.setting || '-',
    withError(point.bitsPerPixel, point.bitsPerPixelError, 4),
    `${withError(point.psnrDb, point.psnrDbError, 2)} dB`,
    point.psnrDbOfMeanMse === undefined ? '-' : `${point.psnrDbOfMeanMse.toFixed(2)} dB`,
    milliseconds(point.encodeMs),
    milliseconds(point.decodeMs),
  ];
}

function withError(value: number, error: number | undefined, digits: number): string {
  const text = value.toFixed(digits);
  return error === undefined || Number.isNaN(error) ? text : `${text} +- ${error.toFixed(digits)}`;
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

function signed(percent: number): string {
  return `${percent < 0 ? '-' : '+'}${Math.abs(percent).toFixed(1)}`;
}
