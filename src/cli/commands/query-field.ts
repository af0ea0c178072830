/** A field of an aggregate, written as a signal. */
import type { ModelCard } from '../../field/card.ts';
import type { Model } from '../../field/model.ts';
import type { Axis, NamedOutput, Output } from '../../field/outputs.ts';
import type { WrittenFormat } from '../../formats/format.ts';
import type { Row } from '../../query/index.ts';
import { checkOutput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { formatFor, type OutputFormat, outputFormat } from '../signals.ts';
import { bytesText, sizeText } from '../text.ts';

export const fieldStatistics = ['mean', 'variance', 'min', 'max'] as const;

export interface FieldFlags {
  readonly output?: string;
  readonly force: boolean;
  readonly format?: OutputFormat;
  readonly statistic: (typeof fieldStatistics)[number];
}

/** What is asked before a store is read. Throws UsageError, and what `checkOutput` throws. */
export async function checkField(job: Job, { output, format, force }: FieldFlags): Promise<void> {
  if (output === undefined) return;
  outputFormat(output, format);
  job.checkStdout(output);
  await checkOutput(output, force);
}

/** What writes the field of a statistic, and leaves the values of all out of the report. Throws BadInputError as `formatFor`. */
export function fieldWriter(job: Job, { card }: Model, flags: FieldFlags): (answer: Row) => Promise<Report> {
  const { output = standardStream } = flags;
  const format = formatFor(card, outputFormat(output, flags.format));
  return (answer) => writeField(job, { card, format, output }, answer, flags);
}

async function writeField(
  job: Job,
  {
    card,
    format,
    output,
  }: { readonly card: ModelCard; readonly format: WrittenFormat; readonly output: string },
  answer: Row,
  { force, statistic }: FieldFlags,
): Promise<Report> {
  const { signalRows } = await import('../../signal/rows.ts');
  const { toSampleValues } = await import('../../signal/values.ts');
  const {
    items,
    next: _,
    ...said
  } = answer as unknown as {
    readonly items: readonly { readonly statistic: string; readonly values: readonly number[] }[];
    readonly next: null;
    readonly shape: readonly number[];
    readonly axes?: readonly Axis[];
    readonly outputs?: readonly NamedOutput[];
  };
  const { shape, axes = card.axes } = said;
  const { values: found } = items.find((item) => item.statistic === statistic)!;
  const values = toSampleValues(card, Float32Array.from(found), format.raw || statistic === 'variance');
  const outputs = card.outputs.map((output, o) => named({ ...output, ...said.outputs?.[o] }, statistic));
  const rows = signalRows({ shape, channels: outputs.length, values, axes });
  const outputBytes = await writeOutput(output, format.write(rows, outputs), {
    stdout: job.streams.stdout,
    force,
  });
  const where = output === standardStream ? 'stdout' : output;
  return {
    data: { ...said, statistic, output, format: format.name, outputBytes },
    lines: [
      `${where}: ${statistic} of ${functionsText(answer)}, ${sizeText(shape)}, ${bytesText(outputBytes)}`,
    ],
    stdoutTaken: output === standardStream,
  };
}

/** A variance is in the square of the unit. */
function named({ name, unit, ...output }: Output, statistic: FieldFlags['statistic']): Output {
  const own = statistic === 'mean' ? name : `${name}_${statistic}`;
  const squared = unit !== undefined && statistic === 'variance' ? `(${unit})2` : unit;
  return { ...output, name: own, ...(squared === undefined ? {} : { unit: squared }) };
}

function functionsText({ functions }: Row): string {
  return functions === 1 ? '1 function' : `${functions} functions`;
}
