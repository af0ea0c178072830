/** `functa verify`: what a file decodes to, held against the signal that it was made of. */
import { type Command, Option } from 'commander';
import { BadInputError } from '../../core/errors.ts';
import { isGrid } from '../../formats/format.ts';
import { formatOfFile } from '../../formats/formats.ts';
import type { MaxError } from '../../session/max-error.ts';
import { readInput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfFile, modelOption, withSession } from '../models.ts';
import { integer, maxBytesOption, maxErrorOption, type PartFlags, partOptions, partsOf } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { readSignal } from '../signals.ts';
import { columns, sizeText } from '../text.ts';

interface VerifyFlags extends PartFlags {
  readonly model?: string;
  readonly item?: number;
  readonly id?: string;
  readonly maxError?: MaxError;
  readonly maxBytes: number;
}

export function addVerify(program: Command, run: RunCommand): void {
  const command = program
    .command('verify')
    .description(
      'decode a .functa file and say how far it is from the original; exit code 1 where it is not what was asked for',
    )
    .argument('<file>', 'a .functa file; - is stdin')
    .argument('<original>', 'what it was made of')
    .option(...modelOption)
    .addOption(maxErrorOption('values further off, or missing on one side alone, are an error'))
    .addOption(new Option('--item <n>', 'of an archive, from 0').argParser(integer(0)).conflicts('id'))
    .option('--id <id>', 'of an archive: the function of this id')
    .addOption(maxBytesOption())
    .action(run(verify));
  for (const option of partOptions()) command.addOption(option);
}

async function verify(job: Job, file: string, original: string, flags: VerifyFlags): Promise<Report> {
  const { inspect, verify: compare } = await import('../../session/index.ts');
  const { maxBytes } = flags;
  const reading = { stdin: job.streams.stdin, maxBytes, signal: job.signal };
  const bytes = await readInput(file, reading);
  const model = await modelOfFile(flags.model, file, inspect(bytes), bytes, job.limits);
  const { outputs = model.card.outputs, shape, count } = inspect(bytes, model);
  const whole = await readInput(original, reading);
  const isSurface = formatOfFile(whole, original)?.parts?.includes('grid') === true;
  const side = isSurface && count === 1 ? sideOf(shape) : undefined;
  const signal = await readSignal(original, whole, {
    ...{ model, maxBytes, as: { effort: 1 }, limits: job.limits },
    parts: { ...partsOf(flags), grid: flags.grid ?? side },
  });
  return withSession(job, model, async (session) => {
    const { item, id, maxError } = flags;
    const found = await compare(session, bytes, signal, { item, id, maxError, signal: job.signal });
    const lines = columns([
      ['output', 'mean error', 'rmse', 'largest error', 'unit'],
      ...outputs.map(({ name, unit = '' }, c) => [
        name,
        ...[found.meanError, found.rmse, found.maxError].map((of) => of[c]!.toPrecision(6)),
        unit,
      ]),
    ]);
    const where = `largest at ${found.worst.join(', ')} of ${sizeText(found.shape)}`;
    const missing = `${found.missing} values missing in both, ${found.missingApart} in one alone`;
    const apart =
      found.missingApart > 0 ? `${found.missingApart} values are missing in one alone` : undefined;
    const beyond =
      found.beyond === undefined || found.beyond === 0
        ? undefined
        : `${found.beyond} values are further off than ${maxError}`;
    if (apart !== undefined || beyond !== undefined) {
      const faults = [beyond, apart].filter((text) => text !== undefined).join(', ');
      const most = found.maxError.map((most) => most.toPrecision(6)).join(', ');
      throw new BadInputError(
        'not-verified',
        `${file} is not ${original}: ${faults}; largest error ${most}, ${where}`,
      );
    }
    return {
      data: { file, original, model: model.card.name, ...found },
      lines: [...lines, where, missing],
    };
  });
}

/** Samples a side of the grid that a surface was laid on, where the function may be of one. */
function sideOf(shape: readonly number[] = []): number | undefined {
  const [side] = shape;
  return isGrid(side) && shape.length === 3 && shape.every((size) => size === side) ? side : undefined;
}
