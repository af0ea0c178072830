/** Samples of every prior against pictures: distances in the features of a classifier, nearness to training, classes. */
import { Sampler } from '../../prior/draw.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { readPrior } from '../../prior/registry.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openMultiply } from '../../src/engine/tfjs/multiply.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import type { Model } from '../../src/field/model.ts';
import { generativeOf, openGenerative } from '../../src/models/generative.ts';
import { priorsOf } from '../../src/models/priors.ts';
import { toSignalValues } from '../../src/signal/values.ts';
import type { GenerativeOptions } from './options.ts';
import { openPixelClassifier } from './pixels/classifier.ts';
import { frechet, nearest, precisionRecall, type Vectors } from './pixels/distance.ts';
import { loadPictures } from './pixels/pictures.ts';
import type { Found, SamplesRow } from './result.ts';

/** Of precision and recall. */
const neighbours = 3;
/** At which symbols are drawn, and held-out ones coded. */
const quality = 50;

interface Drawn {
  readonly modulations: readonly Float32Array[];
  /** What was asked of each; absent: nothing. */
  readonly labels?: readonly number[];
}

/**
 * A row for training pictures, one for functions of the split as they are and one as they are coded, then each prior's.
 * `held` [m] each: adapted modulations of the first pictures of the split. Distances are to pictures of the split.
 */
export async function sampleRows(
  model: Model,
  engine: Engine,
  held: readonly Float32Array[],
  options: GenerativeOptions,
  say: (line: string) => void,
): Promise<Found<SamplesRow>[]> {
  const { data, split, threads } = options;
  const n = Math.min(options.samples, held.length);
  const classifier = await openPixelClassifier({ dataset: data, threads });
  say(
    `the classifier of pictures is right about ${(100 * classifier.validationAccuracy).toFixed(1)} % of the validation split`,
  );
  const multiply = openMultiply(threads);
  const train = await loadPictures(data, 'train');
  const real = await loadPictures(data, split, { limit: n });
  const dimensions = real.bytes.length / real.count;
  // `from` collects what it maps in a plain array first, which is too long of 45,000 coloured pictures.
  const pixels = (bytes: Uint8Array): Vectors => ({
    dimensions,
    values: new Float32Array(bytes).map((b) => b / 255),
  });
  const features = ({ values }: Vectors): Vectors => ({
    dimensions: classifier.width,
    values: classifier.features(values),
  });
  const trained = pixels(train.bytes);
  const realPixels = pixels(real.bytes);
  const realFeatures = features(realPixels);
  const decode = async (modulations: readonly Float32Array[]): Promise<Vectors> => {
    const { network, card } = model;
    const values = new Float32Array(modulations.length * dimensions);
    for (const [i, modulation] of modulations.entries()) {
      const field = await engine.evaluate(network, card.shape, modulation, coveringGrid(card.shape));
      values.set(toSignalValues(card, field, false), i * dimensions);
    }
    return { dimensions, values };
  };
  const median = (set: Vectors) => medianOf(nearest(set, trained, multiply));
  const functions = await decode(held.slice(0, n));
  const typical = median(functions);
  const rowOf = (
    name: string,
    images: Vectors,
    labels?: ArrayLike<number>,
    ms?: number,
  ): Found<SamplesRow> => {
    const found = features(images);
    const { precision, recall } = precisionRecall(realFeatures, found, neighbours, multiply);
    const row = {
      name,
      n,
      frechet: frechet(realFeatures, found),
      precision,
      recall,
      memorisation: median(images) / typical,
      classAccuracy: labels === undefined ? null : classifier.accuracyOf(images.values, labels),
      msPerSample: ms ?? null,
    };
    say(`${name}: Frechet distance ${row.frechet.toFixed(3)}`);
    return row;
  };
  const layout = modulationLayout(model.card.spec, model.card.shape);
  const steps = stepsAt(model.steps, quality);
  const coded = held.slice(0, n).map((own) => dequantise(layout, quantise(layout, own, steps), steps));
  const chosen = trainingLike(real.labels, train.labels, options.seed);
  const training = new Uint8Array(n * dimensions);
  for (const [i, k] of chosen.entries())
    training.set(train.bytes.subarray(k * dimensions, (k + 1) * dimensions), i * dimensions);
  const rows = [
    { ...rowOf('training pictures', pixels(training), real.labels), memorisation: 0 },
    rowOf(`functions of the ${split} split`, functions, real.labels),
    rowOf(`the same at quality ${quality}`, await decode(coded), real.labels),
  ];
  for (const [name, draw] of await drawers(model, real.labels, options)) {
    const started = performance.now();
    const { modulations, labels } = await draw();
    const ms = (performance.now() - started) / n;
    rows.push(rowOf(name, await decode(modulations), labels, ms));
  }
  classifier.close();
  return rows;
}

/** For each of `wanted` labels a place in `given` with that label, at random; any where there is none. */
export function trainingLike(wanted: ArrayLike<number>, given: ArrayLike<number>, seed: number): number[] {
  const rng = new Rng(seed, Number.MAX_SAFE_INTEGER);
  const places = new Map<number, number[]>();
  for (let i = 0; i < given.length; i++) {
    const own = places.get(given[i]!);
    if (own === undefined) places.set(given[i]!, [i]);
    else own.push(i);
  }
  return Array.from(wanted, (label) => {
    const own = places.get(label);
    return own === undefined ? rng.below(given.length) : own[rng.below(own.length)]!;
  });
}

/** `wanted` [n]: labels of the pictures that samples are held against. What takes labels is asked these, as often: a set of drawings has many of some. */
async function drawers(
  model: Model,
  wanted: ArrayLike<number>,
  { priors, seed, guidance: weights, temperature, steps: levels }: GenerativeOptions,
): Promise<Map<string, () => Promise<Drawn>>> {
  const n = wanted.length;
  const layout = modulationLayout(model.card.spec, model.card.shape);
  const steps = stepsAt(model.steps, quality);
  const all = new Map<string, () => Promise<Drawn>>();
  for (const kind of [...priorsOf(model)].reverse()) {
    all.set(kind, async () => ({
      modulations: Array.from({ length: n }, (_, i) => {
        const symbols = new Int32Array(layout.length);
        readPrior(model, kind).walk(layout, quality, symbols, new Sampler(new Rng(seed, i)));
        return dequantise(layout, symbols, steps);
      }),
    }));
  }
  const there = await generativeOf(model);
  const plain = async (kind: 'gaussian' | 'flow') => {
    const opened = await openGenerative(model, kind);
    return { modulations: await opened.sample({ count: n, seed }) };
  };
  if (there.includes('gaussian')) all.set('gaussian', () => plain('gaussian'));
  if (there.includes('flow')) all.set('flow', () => plain('flow'));
  if (!there.includes('diffusion')) return asked(all, priors);
  const diffusion = await openGenerative(model, 'diffusion');
  const settings = (weights ?? [undefined]).flatMap((guidance) =>
    (levels ?? [undefined]).map((sampled) => ({ guidance, sampled })),
  );
  for (const { guidance, sampled } of settings) {
    // Rows of other settings stay beside each other.
    const set = Object.entries({ guidance, temperature, steps: sampled });
    const told = set.filter(
      ([what, value]) => value !== undefined && (what !== 'temperature' || value !== 1),
    );
    const by = (await diffusion.distilledAt(sampled)) ? ['distilled'] : [];
    const name = ['diffusion', ...told.map((entry) => entry.join(' ')), ...by].join(', ');
    all.set(name, async () => {
      const modulations: Float32Array[] = [];
      const labels: number[] = [];
      // Each class with a seed of its own.
      for (const [k, label] of diffusion.labels.entries()) {
        const count = Array.from(wanted).filter((own) => own === Number(label)).length;
        if (count === 0) continue;
        modulations.push(
          ...(await diffusion.sample({
            count,
            seed: seed + k,
            label,
            guidance,
            temperature,
            steps: sampled,
          })),
        );
        for (let i = 0; i < count; i++) labels.push(Number(label));
      }
      return { modulations, labels };
    });
  }
  return asked(all, priors);
}

/** Of those that were made the asked ones. */
function asked<T>(all: ReadonlyMap<string, T>, priors: readonly string[] | undefined): Map<string, T> {
  return new Map([...all].filter(([name]) => priors?.includes(name.split(',', 1)[0]!) ?? true));
}

function medianOf(values: Float64Array): number {
  return values.sort()[values.length >> 1]!;
}
