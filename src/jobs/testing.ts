/** A model for tests: a few outer steps on the bundled pictures of Fashion-MNIST, with priors counted on the same. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataset } from '../../datasets/registry.ts';
import { makeBank, readBank } from '../../prior/bank.ts';
import { SymbolCounts } from '../../prior/counts.ts';
import { fitFactorized } from '../../prior/factorized.ts';
import { fitHistogram } from '../../prior/histogram.ts';
import { quantise, stepsAt } from '../../prior/quantiser.ts';
import { sha256Hex } from '../core/hash.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import { writeWhole } from '../disk/whole.ts';
import type { Engine } from '../engine/engine.ts';
import { slopeTensor } from '../field/at-quality.ts';
import { canonicalJson } from '../field/canonical.ts';
import type { ModelCard } from '../field/card.ts';
import { axesOfKind, outputsOfKind } from '../field/kinds.ts';
import { modulationLayout } from '../field/layout.ts';
import { readModel, writeModel } from '../field/model.ts';
import { pyramid } from '../field/presets.ts';
import { totalChannels } from '../field/spec.ts';
import { fitSignals, scalesTensor } from '../fit/fit.ts';
import { presetRecipe, type TrainingRecipe, train, withOverrides } from '../learn/index.ts';
import type { Signal } from '../signal/signal.ts';
import type { SignalSource } from '../signal/source.ts';
import { sourceOf } from './data.ts';

const spec = pyramid({
  axes: 2,
  outputs: 1,
  width: 16,
  layers: 2,
  w0: 10,
  levels: [
    { cell: 14, channels: 6 },
    { cell: 7, channels: 4 },
  ],
});

export const tinyRecipe = withOverrides(presetRecipe('fashion-mnist'), {
  name: 'tiny',
  spec,
  steps: 60,
  batch: 8,
  phases: { distortion: 30, rounded: 10, coded: 0 },
  validation: { every: 60, signals: 8 },
});

/** The recipe of a network that changes with quality. */
export const slopedRecipe = withOverrides(tinyRecipe, { quality: { slopes: true } });

/** The bytes of the model's file, which is learnt once in a run of tests: FUNCTA_RUN is a directory of that run. */
export async function makeTinyModel(engine: Engine, recipe = tinyRecipe): Promise<Uint8Array> {
  const directory = process.env.FUNCTA_RUN;
  if (directory === undefined) return learnTinyModel(engine, recipe);
  const digest = sha256Hex(new TextEncoder().encode(canonicalJson(recipe)));
  const path = join(directory, `tiny-${digest}.safetensors`);
  if (!existsSync(path)) await writeWhole(path, await learnTinyModel(engine, recipe), { replace: true });
  return new Uint8Array(readFileSync(path));
}

async function learnTinyModel(engine: Engine, recipe: TrainingRecipe): Promise<Uint8Array> {
  const data = await openDataset('fixture-fashion', 'train');
  return makeModel(engine, { recipe, source: sourceOf(data), signals: await all(data), card });
}

/** The bytes of a model's file: learnt from `source`, its priors counted on `signals`, which are of the card's shape. */
export async function makeModel(
  engine: Engine,
  {
    recipe,
    source,
    signals,
    card,
  }: {
    readonly recipe: TrainingRecipe;
    readonly source: SignalSource;
    readonly signals: readonly Signal[];
    readonly card: ModelCard;
  },
): Promise<Uint8Array> {
  const { spec } = recipe;
  const trained = await train({ engine, recipe, source });
  const { network, steps, scales } = trained;
  const { lowest, highest } = recipe.quality;
  const slopes = trained.slopes && { ...trained.slopes, qualities: [lowest, highest] as const };
  const base = new Map([[scalesTensor, tensor(scales)]]);
  if (slopes !== undefined) base.set(slopeTensor(scalesTensor), tensor(slopes.scales));
  const model = readModel(writeModel({ card, network, steps, slopes, tensors: base }));
  const layout = modulationLayout(spec, card.shape);
  const counts = new SymbolCounts(totalChannels(spec));
  const fitted = await fitSignals(model, engine, signals, { quality: 50, effort: 1 });
  for (const quality of [30, 50, 70]) {
    for (const { modulation } of fitted) {
      counts.add(layout, quality, quantise(layout, modulation, stepsAt(steps, quality)));
    }
  }
  const bank = makeBank();
  const priors = [fitHistogram(counts), fitFactorized(counts, readBank(bank)), bank];
  const tensors = new Map<string, Tensor>([base, ...priors].flatMap((part) => [...part]));
  return writeModel({ card, network, steps, slopes, tensors });
}

const card: ModelCard = {
  name: 'tiny',
  family: 'image',
  shape: [28, 28],
  anySize: true,
  outputs: outputsOfKind('grey', { offset: 0.5, scale: 1 }),
  axes: axesOfKind('grey', 2),
  spec,
  training: {
    dataset: 'fixture-fashion',
    split: 'train',
    steps: tinyRecipe.steps,
    batch: tinyRecipe.batch,
    seed: tinyRecipe.seed,
    lambda: tinyRecipe.lambda,
    innerSteps: tinyRecipe.innerSteps,
  },
  figures: {},
  licence: 'MIT',
  notes: 'For tests.',
};

/** Every item of a data set. */
export async function all(data: {
  readonly length: number;
  get(i: number): Promise<Signal> | Signal;
}): Promise<Signal[]> {
  const signals: Signal[] = [];
  for (let i = 0; i < data.length; i++) signals.push(await data.get(i));
  return signals;
}
