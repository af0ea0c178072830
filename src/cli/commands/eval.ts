/** `functa eval`: rate and distortion over a data set, beside other codecs. */

import type { Command } from 'commander';
import type { Split } from '../../../datasets/dataset.ts';
import { withParts } from '../../../datasets/parts.ts';
import type { PriorKind } from '../../../prior/kinds.ts';
import type { Output } from '../../field/outputs.ts';
import { peerNames } from '../../jobs/peer-names.ts';
import type { EvalQuality, EvalResult } from '../../jobs/types.ts';
import { follow } from '../events.ts';
import type { Job, Report } from '../job.ts';
import { modelOption, withEngine } from '../models.ts';
import { modelOfData } from '../models-of.ts';
import {
  cacheOption,
  dataOption,
  effortOption,
  gridOption,
  integer,
  integers,
  list,
  type PartFlags,
  priorOption,
  splitOrAllOption,
  variableOption,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { columns } from '../text.ts';

interface EvalFlags extends PartFlags {
  readonly model?: string;
  readonly data: string;
  readonly split: Split | 'all';
  readonly limit?: number;
  readonly against?: readonly string[];
  readonly qualities?: readonly number[];
  readonly effort: number;
  /** Checked by the library. */
  readonly prior?: PriorKind;
  readonly batch?: number;
  readonly cacheDir?: string;
}

export function addEval(program: Command, run: RunCommand): void {
  program
    .command('eval')
    .description(
      'code a data set at several qualities: bytes of real files, PSNR, times, and other codecs at equal PSNR',
    )
    .option(...modelOption)
    .requiredOption(...dataOption)
    .addOption(variableOption())
    .addOption(gridOption())
    .addOption(splitOrAllOption('test'))
    .option('--limit <n>', 'only the first n signals', integer(1))
    .option('--against <codecs>', `of ${peerNames.join(', ')}; between commas`, list)
    .option('--qualities <list>', 'between commas, each from 1 to 100', integers(1, 100))
    .option(...effortOption)
    .option(...priorOption)
    .option('--batch <n>', 'signals adapted together', integer(1, 4096))
    .option(...cacheOption)
    .action(run(evaluate));
}

async function evaluate(job: Job, flags: EvalFlags): Promise<Report> {
  const jobs = await import('../../jobs/index.ts');
  const { data, variable, grid, against: peers, ...rest } = flags;
  const dataset = withParts(data, { variable, grid });
  const model = await modelOfData(job, dataset, flags);
  const result = await withEngine(job, (engine) =>
    follow(job, `eval ${dataset}`, ({ onEvent }) =>
      jobs.evaluate({ ...rest, model, engine, data: dataset, peers, onEvent, signal: job.signal }),
    ),
  );
  return { data: { ...result }, lines: table(result, model.card.outputs) };
}

function table(
  { model, dataset, split, n, prior, effort, engine, qualities }: EvalResult,
  all: readonly Output[],
): string[] {
  // The errors of what has no unit are told by PSNR alone.
  const outputs = all.filter(({ unit }) => unit !== undefined);
  const peers = Object.keys(qualities[0]?.peers ?? {});
  const head = [
    'quality',
    'file',
    'archive',
    'bits/point',
    'psnr',
    'psnr of mean mse',
    ...outputs.map(({ name, unit }) => `rmse (most) of ${name}${unit === undefined ? '' : ` in ${unit}`}`),
    'encode',
    'decode',
    'histogram',
    ...peers,
  ];
  return [
    `${model} on ${n} of ${dataset} ${split}: prior ${prior}, effort ${effort}, engine ${engine}; bytes are means per item`,
    ...columns([head, ...qualities.map((row) => cells(row, peers, all))]),
    ...(peers.length > 0
      ? [
          "other codecs: bytes at equal PSNR, in brackets without the container's fixed part; < and > mark the ends of their range",
        ]
      : []),
  ];
}

function cells(row: EvalQuality, peers: readonly string[], outputs: readonly Output[]): string[] {
  return [
    String(row.quality),
    row.fileBytes.toFixed(1),
    row.archiveBytes.toFixed(1),
    row.bitsPerPoint.toFixed(3),
    `${row.psnrDbMeanOfItems.toFixed(2)} dB`,
    `${row.psnrDbOfMeanMse.toFixed(2)} dB`,
    ...outputs.flatMap(({ unit }, o) =>
      unit === undefined ? [] : [`${row.rmse[o]!.toPrecision(3)} (${row.maxError[o]!.toPrecision(3)})`],
    ),
    `${row.encodeMs.toFixed(2)} ms`,
    `${row.decodeMs.toFixed(2)} ms`,
    row.histogramBytes?.toFixed(1) ?? '-',
    ...peers.map((name) => {
      const { bytes, bytesWithoutFixedPart, at } = row.peers[name]!;
      const mark = { interpolated: '', lowest: '< ', highest: '> ' }[at];
      return `${mark}${bytes.toFixed(0)} (${bytesWithoutFixedPart.toFixed(0)})`;
    }),
  ];
}
