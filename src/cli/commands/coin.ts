/** `functa encode --recipe coin`: one small network for one signal, and no model. */
import { InvalidArgumentError, Option } from 'commander';
import type { Channels } from '../../field/kinds.ts';
import type { OwnSize } from '../../fit/index.ts';
import { follow } from '../events.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, readInput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { withEngine } from '../models.ts';
import { integer, type PartFlags, partsOf, real } from '../options.ts';
import { noteDropped, readOwnSignal } from '../signals.ts';
import { psnrText, secondsText } from '../text.ts';

/** Recipes of `encode`. */
export type EncodeRecipe = (typeof encodeRecipes)[number];
export const encodeRecipes = ['coin'] as const;

export interface CoinFlags {
  readonly network?: OwnSize;
  readonly bits?: number;
  readonly w0?: number;
  readonly iterations?: number;
  readonly seed?: number;
  readonly channels?: Channels;
}

/** Options of `encode` that are for `--recipe coin` alone. */
export function coinOptions(): Option[] {
  return [
    new Option(
      '--recipe <recipe>',
      'coin: fit a network of its own to the signal and write its weights; the file needs no model',
    ).choices([...encodeRecipes]),
    new Option(
      '--network <LxW>',
      'for coin: layers x width; published 5x20 5x30 10x28 10x40 13x49 (Kodak), 2x12 to 2x22 (CIFAR-10); default: by the size of the signal',
    ).argParser(ownSize),
    new Option(
      '--bits <n>',
      'for coin: bits a weight; 16: half floats; 12 or fewer: quantised by sensitivity and entropy coded; default: 16',
    ).argParser(real(0.1, 16)),
    new Option(
      '--w0 <n>',
      'for coin: frequency of the sines; published: 30; default: by the size of the signal',
    ).argParser(integer(1, 255)),
    new Option('--iterations <n>', 'for coin: steps of Adam; published: 50000; default: 5000').argParser(
      integer(0),
    ),
    new Option('--seed <n>', 'for coin: where the random numbers start').argParser(integer(0, 2 ** 32 - 1)),
    new Option(
      '--channels <channels>',
      'for coin: what the numbers of an array are; default: values',
    ).choices(['grey', 'rgb', 'rgba', 'mono', 'stereo', 'values']),
  ];
}

/** Says that options of one way to encode are not for the other. Throws UsageError `recipe-option`. */
export function checkCoinFlags(
  recipe: EncodeRecipe | undefined,
  { network, bits, w0, iterations, seed, channels }: CoinFlags,
  others: Readonly<Record<string, boolean>>,
): void {
  const own = {
    '--network': network,
    '--bits': bits,
    '--w0': w0,
    '--iterations': iterations,
    '--seed': seed,
    '--channels': channels,
  };
  if (recipe === undefined) {
    const [stray] = Object.entries(own).filter(([, value]) => value !== undefined);
    if (stray !== undefined) throw new UsageError('recipe-option', `${stray[0]} is for --recipe coin`);
    return;
  }
  const [stray] = Object.entries(others).filter(([, given]) => given);
  if (stray !== undefined)
    throw new UsageError(
      'recipe-option',
      `${stray[0]} is for encoding by a model; --recipe ${recipe} has none`,
    );
}

export async function encodeCoin(
  job: Job,
  input: string,
  flags: CoinFlags &
    PartFlags & { readonly output: string; readonly force: boolean; readonly maxBytes: number },
): Promise<Report> {
  const { output, force, maxBytes, network: size, bits, w0, iterations, seed } = flags;
  job.checkStdout(output);
  await checkOutput(output, force);
  const file = await readInput(input, { stdin: job.streams.stdin, maxBytes, signal: job.signal });
  const { limits } = job;
  const { signal, channels } = await readOwnSignal(input, file, {
    maxBytes,
    channels: flags.channels,
    parts: partsOf(flags),
    limits,
  });
  noteDropped(job, signal);
  const { fitCoin } = await import('../../jobs/index.ts');
  const found = await withEngine(job, (engine) =>
    follow(job, 'fit', ({ onEvent }) =>
      fitCoin(signal, {
        engine,
        size,
        bits,
        w0,
        iterations,
        seed,
        channels,
        limits,
        onEvent,
        signal: job.signal,
      }),
    ),
  );
  await writeOutput(output, found.bytes, { stdout: job.streams.stdout, force });
  const { bytes, psnrDb, bitsPerPoint, seconds, ...facts } = found;
  const { layers, width } = facts.size;
  const name = output === standardStream ? 'stdout' : output;
  const weights = `network ${layers}x${width}, ${facts.weights} weights of ${facts.bitsPerWeight.toFixed(2)} bits`;
  return {
    data: {
      input,
      output,
      recipe: 'coin',
      fileBytes: bytes.length,
      channels,
      psnrDb,
      bitsPerPoint,
      seconds,
      ...facts,
    },
    lines: [
      `${name}: ${bytes.length} bytes, ${bitsPerPoint.toFixed(3)} bits per point, ${psnrText(psnrDb)}, ${secondsText(seconds)}; ${weights}`,
    ],
    stdoutTaken: output === standardStream,
  };
}

/** `10x28`. */
function ownSize(text: string): OwnSize {
  const found = /^(\d{1,4})x(\d{1,4})$/.exec(text);
  if (found === null) throw new InvalidArgumentError('Give layers x width, such as 10x28.');
  return { layers: Number(found[1]), width: Number(found[2]) };
}
