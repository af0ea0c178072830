/** Completing pictures behind masks, with a prior and by adaptation alone. */
import { openDataset } from '../../datasets/registry.ts';
import { type CompletingPrior, complete, completingPriors, observeMasked } from '../../src/complete/index.ts';
import { Rng } from '../../src/core/rng.ts';
import { psnrDb } from '../../src/core/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import type { Model } from '../../src/field/model.ts';
import { pointCount } from '../../src/field/spec.ts';
import { adaptSignal } from '../../src/fit/index.ts';
import { openFunctaset } from '../../src/library/index.ts';
import { generativeOf } from '../../src/models/generative.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { toSignalValues } from '../../src/signal/values.ts';
import { harmonicFill } from './harmonic.ts';
import type { GenerativeOptions } from './options.ts';
import { openPixelClassifier } from './pixels/classifier.ts';
import { frechet, type Vectors } from './pixels/distance.ts';
import { type CompletionRow, type Found, meanOf } from './result.ts';

/** What is known of each point of item i: 1, or 0 where it is hidden. */
type MaskOf = (shape: readonly number[], rng: Rng) => Uint8Array;

const share =
  (hidden: number): MaskOf =>
  (shape, rng) =>
    Uint8Array.from({ length: pointCount(shape) }, () => Number(rng.uniform() >= hidden));

export const masks: Readonly<Record<string, MaskOf>> = {
  'left half': ([height = 1, width = 1]) =>
    Uint8Array.from({ length: height * width }, (_, p) => Number(2 * (p % width) >= width)),
  'bottom half': ([height = 1, width = 1]) =>
    Uint8Array.from({ length: height * width }, (_, p) => Number(2 * Math.floor(p / width) < height)),
  '25 % at random': share(0.25),
  '50 % at random': share(0.5),
  '75 % at random': share(0.75),
  '90 % at random': share(0.9),
};

export async function completions(
  model: Model,
  engine: Engine,
  options: GenerativeOptions,
  say: (line: string) => void,
): Promise<Found<CompletionRow>[]> {
  const there: readonly string[] = await generativeOf(model);
  const kinds = completingPriors.filter(
    (kind) => there.includes(kind) && (options.priors?.includes(kind) ?? true),
  );
  const data = await openDataset(options.data, options.split);
  const n = Math.min(options.completions, data.length);
  // Spread over the split, whatever its order.
  const signals = await Promise.all(
    Array.from({ length: n }, (_, i) => data.get(Math.floor((i * data.length) / n))),
  );
  data.close();
  const rows: Found<CompletionRow>[] = [];
  const own =
    options.functaset === undefined
      ? undefined
      : await openFunctaset(options.functaset, { model, engine, readOnly: true });
  const distance = await distanceTo(
    signals.map(({ values }) => values),
    options,
  );
  for (const name of [...kinds, ...(own === undefined ? [] : ['own'])]) {
    for (const [at, [mask, maskOf]] of Object.entries(masks).entries()) {
      if (!(options.masks?.includes(mask) ?? true)) continue;
      const withPrior: number[] = [];
      const without: number[] = [];
      const harmonic: number[] = [];
      const surprises: number[] = [];
      const meansOfDraws: number[] = [];
      const eachDraw: number[] = [];
      const firstDraws: Float32Array[] = [];
      let seconds = 0;
      for (const [i, signal] of signals.entries()) {
        const observed = maskOf(signal.shape, new Rng(options.seed, at * n + i));
        const observation = observeMasked(signal, { shape: signal.shape, observed });
        const { draws } = options;
        const found =
          name === 'own'
            ? await own!.complete(observation, { nearest: options.nearest, draws })
            : await complete({ model, engine }, observation, { prior: name as CompletingPrior, draws });
        seconds += found.seconds;
        withPrior.push(hiddenPsnr(found.completed.values, signal, observed));
        if (found.surprise !== undefined) surprises.push(found.surprise);
        if (found.draws.length > 0) firstDraws.push(found.draws[0]!.values);
        if (found.spread !== undefined) {
          meansOfDraws.push(hiddenPsnr(found.spread.mean.values, signal, observed));
          eachDraw.push(...found.draws.map(({ values }) => hiddenPsnr(values, signal, observed)));
        }
        const { shape, channels } = signal;
        harmonic.push(hiddenPsnr(harmonicFill(signal.values, shape, channels, observed), signal, observed));
        without.push(hiddenPsnr(await adaptedAlone(model, engine, signal, observed), signal, observed));
      }
      const gain = meanOf(withPrior.map((psnr, i) => psnr - without[i]!));
      const overHarmonic = meanOf(withPrior.map((psnr, i) => psnr - harmonic[i]!));
      rows.push({
        name,
        mask,
        n,
        psnrDb: meanOf(withPrior).mean,
        withoutDb: meanOf(without).mean,
        gainDb: gain.mean,
        gainStandardError: gain.standardError,
        harmonicDb: meanOf(harmonic).mean,
        overHarmonicDb: overHarmonic.mean,
        overHarmonicStandardError: overHarmonic.standardError,
        ...(meansOfDraws.length === 0
          ? {}
          : { meanOfDrawsDb: meanOf(meansOfDraws).mean, drawDb: meanOf(eachDraw).mean }),
        ...(firstDraws.length < 2 ? {} : { drawFrechet: distance(firstDraws) }),
        ...(surprises.length === n ? { medianSurprise: [...surprises].sort((a, b) => a - b)[n >> 1]! } : {}),
        secondsPerItem: seconds / n,
      });
      say(
        `${name}, ${mask}: ${meanOf(withPrior).mean.toFixed(2)} dB, gain ${gain.mean.toFixed(2)} dB, over the harmonic fill ${overHarmonic.mean.toFixed(2)} ± ${overHarmonic.standardError.toFixed(2)} dB`,
      );
    }
  }
  await own?.close();
  return rows;
}

/** Frechet distance of pictures to `pictures`, in the features of the classifier; it is trained where draws are asked for alone. */
async function distanceTo(
  pictures: readonly Float32Array[],
  { data, draws, threads }: GenerativeOptions,
): Promise<(drawn: readonly Float32Array[]) => number> {
  if (draws === 0) return () => Number.NaN;
  const classifier = await openPixelClassifier({ dataset: data, threads });
  const features = (all: readonly Float32Array[]): Vectors => {
    const size = all[0]!.length;
    const values = new Float32Array(all.length * size);
    all.forEach((one, i) => {
      values.set(one, i * size);
    });
    return { dimensions: classifier.width, values: classifier.features(values) };
  };
  const real = features(pictures);
  return (drawn) => frechet(real, features(drawn));
}

/** By the inner steps of training on what is known; more steps bring hidden points no nearer. */
async function adaptedAlone(
  model: Model,
  engine: Engine,
  signal: Signal,
  observed: Uint8Array,
): Promise<Float32Array> {
  const { network, card } = model;
  const weighted = { ...signal, weights: Float32Array.from(observed) };
  const { modulations } = await adaptSignal(engine, network, weighted, card.outputs, {
    steps: card.training.innerSteps,
    learntSteps: card.training.innerSteps,
  });
  const field = await engine.evaluate(network, signal.shape, modulations, coveringGrid(signal.shape));
  return toSignalValues(card, field, false);
}

function hiddenPsnr(values: Float32Array, { values: of, channels }: Signal, observed: Uint8Array): number {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < of.length; i++) {
    if (observed[Math.floor(i / channels)] === 1) continue;
    sum += (values[i]! - of[i]!) ** 2;
    n++;
  }
  return psnrDb(sum / n);
}
