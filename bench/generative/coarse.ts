/** Whole pictures from coarse versions of them: by the priors, and by plain decoding of the small picture at the larger size. */
import { openDataset } from '../../datasets/registry.ts';
import { type CompletingPrior, complete, completingPriors, observeCoarse } from '../../src/complete/index.ts';
import { psnrDb } from '../../src/core/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Model } from '../../src/field/model.ts';
import { generativeOf } from '../../src/models/generative.ts';
import { openSession } from '../../src/session/index.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { GenerativeOptions } from './options.ts';
import { type CoarseRow, type Found, meanOf } from './result.ts';

/** Samples of the picture along each axis for one of the coarse version. */
const factor = 2;
/** What the small picture is coded at: beyond it the function is as good as its samples. */
const quality = 70;

/** A row for plain decoding, then each prior's completed picture and its first draw. */
export async function coarseRows(
  model: Model,
  engine: Engine,
  options: GenerativeOptions,
  say: (line: string) => void,
): Promise<Found<CoarseRow>[]> {
  const there: readonly string[] = await generativeOf(model);
  const kinds = completingPriors.filter(
    (kind) => there.includes(kind) && (options.priors?.includes(kind) ?? true),
  );
  const session = openSession({ model, engine });
  const data = await openDataset(options.data, options.split);
  const n = Math.min(options.completions, data.length);
  const found = new Map<string, { psnr: number[]; sharp: number[]; seconds: number }>();
  const note = (name: string, values: Float32Array, of: Signal, seconds: number) => {
    const row = found.get(name) ?? { psnr: [], sharp: [], seconds: 0 };
    row.psnr.push(psnrDb(values.reduce((sum, v, i) => sum + (v - of.values[i]!) ** 2, 0) / values.length));
    row.sharp.push(slope(values, of) / slope(of.values, of));
    row.seconds += seconds;
    found.set(name, row);
  };
  for (let i = 0; i < n; i++) {
    const signal = await data.get(Math.floor((i * data.length) / n));
    const small = means(signal, factor);
    const size = [...signal.shape].reverse().join('x');
    const started = performance.now();
    const { bytes } = await session.encode(small, { quality });
    const plain = await session.decode(bytes, { size });
    note('plain decoding', plain.values, signal, (performance.now() - started) / 1000);
    for (const prior of kinds) {
      const { completed, draws, seconds } = await complete(
        { model, engine },
        observeCoarse(signal.shape, small),
        { prior: prior as CompletingPrior, draws: 1 },
      );
      note(prior, completed.values, signal, seconds);
      note(`${prior}, a draw`, draws[0]!.values, signal, seconds);
    }
  }
  data.close();
  const plain = found.get('plain decoding')!.psnr;
  const rows = [...found].map(([name, { psnr, sharp, seconds }]) => {
    const over = meanOf(psnr.map((db, i) => db - plain[i]!));
    return {
      name,
      mask: `${factor} x ${factor} means`,
      n,
      psnrDb: meanOf(psnr).mean,
      overPlainDb: over.mean,
      overPlainStandardError: over.standardError,
      sharpness: meanOf(sharp).mean,
      secondsPerItem: seconds / n,
    };
  });
  for (const { name, psnrDb: db, sharpness } of rows)
    say(`${name}: ${db.toFixed(2)} dB, ${sharpness.toFixed(3)} of the slope`);
  return rows;
}

/** Means over pieces of `by` x `by` samples, whose sides `by` divides. */
export function means({ id, shape, channels, values }: Signal, by: number): Signal {
  const [height, width] = shape as [number, number];
  const small = [height / by, width / by] as const;
  const sums = new Float32Array(small[0] * small[1] * channels);
  for (let i = 0; i < values.length; i++) {
    const point = Math.floor(i / channels);
    const piece = Math.floor(Math.floor(point / width) / by) * small[1] + Math.floor((point % width) / by);
    sums[piece * channels + (i % channels)]! += values[i]! / (by * by);
  }
  return { id, shape: small, channels, values: sums };
}

/** Sum of the lengths of the differences to the next sample along both axes: a blurred picture has less. */
function slope(values: Float32Array, { shape, channels }: Signal): number {
  const [height, width] = shape as [number, number];
  let sum = 0;
  for (let y = 0; y + 1 < height; y++) {
    for (let i = y * width * channels; i < ((y + 1) * width - 1) * channels; i++) {
      sum += Math.hypot(values[i + channels]! - values[i]!, values[i + width * channels]! - values[i]!);
    }
  }
  return sum;
}
