/**
 * Three small synthetic models, one for each number of axes, with all priors: what golden files and fuzzers run on.
 * Everything comes from a seed and deterministic arithmetic, so they are the same bytes wherever they are made.
 */
import { readAutoregressive } from '../../prior/autoregressive.ts';
import { blankLevelNetwork, quantiseLevel } from '../../prior/autoregressive-export.ts';
import { recipeTensors } from '../../prior/autoregressive-tensors.ts';
import { bankShapes, makeBank, readBank } from '../../prior/bank.ts';
import { auxiliaryCount, defaultRecipe, inputCount } from '../../prior/context.ts';
import { SymbolCounts } from '../../prior/counts.ts';
import { Sampler } from '../../prior/draw.ts';
import { fitFactorized } from '../../prior/factorized.ts';
import { fitHistogram } from '../../prior/histogram.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import type { ModelCard } from '../../src/field/card.ts';
import { axesOfKind, outputsOfKind } from '../../src/field/kinds.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import { writeModel } from '../../src/field/model.ts';
import { type FieldSpec, totalChannels, weightLayout } from '../../src/field/spec.ts';

export interface TinyModel {
  readonly name: string;
  readonly family: ModelCard['family'];
  readonly shape: readonly number[];
  readonly anySize: boolean;
  readonly levels: readonly { readonly cell: number | null; readonly channels: number }[];
  readonly seed: number;
}

export const tinyModels: readonly TinyModel[] = [
  {
    name: 'tiny-image',
    family: 'image',
    shape: [16, 16],
    anySize: true,
    levels: [
      { cell: 8, channels: 3 },
      { cell: 4, channels: 2 },
    ],
    seed: 1,
  },
  {
    name: 'tiny-audio',
    family: 'audio',
    shape: [64],
    anySize: true,
    levels: [{ cell: 8, channels: 2 }],
    seed: 2,
  },
  {
    name: 'tiny-field',
    family: 'field',
    shape: [4, 6, 8],
    anySize: false,
    levels: [
      { cell: null, channels: 4 },
      { cell: 2, channels: 1 },
    ],
    seed: 3,
  },
];

/** The model file of a tiny model. */
export function makeTinyModel(tiny: TinyModel): Uint8Array {
  const rng = new Rng(tiny.seed);
  const axes = tiny.shape.length;
  const spec: FieldSpec = {
    axes,
    outputs: 1,
    width: 4,
    layers: 1,
    w0: 10,
    features: { global: false, local: false, harmonics: 1 },
    levels: tiny.levels.map(({ cell, channels }) => ({
      cell: cell === null ? null : new Array<number>(axes).fill(cell),
      channels,
      interpolation: 'linear',
    })),
  };
  const floats = (count: number, size: number) =>
    Float32Array.from({ length: count }, () => size * rng.normal());
  const channels = totalChannels(spec);
  const tensors = autoregressive(spec, tiny.anySize, floats);
  fitCounted(tensors, spec, tiny.shape, rng);
  return writeModel({
    card: {
      name: tiny.name,
      family: tiny.family,
      shape: tiny.shape,
      anySize: tiny.anySize,
      outputs: outputsOfKind('values', { offset: 0.5, scale: 0.5 }, { count: 1 }),
      axes: axesOfKind('values', axes),
      spec,
      training: {
        dataset: 'none',
        split: 'none',
        steps: 0,
        batch: 1,
        seed: tiny.seed,
        lambda: 0,
        innerSteps: 0,
      },
      figures: {},
      licence: 'Apache-2.0',
      notes: 'Synthetic: random weights, for tests of the codec.',
    },
    network: {
      spec,
      weights: floats(weightLayout(spec).length, 0.3),
      rates: new Float32Array(channels).fill(0.01),
    },
    steps: new Float32Array(channels).fill(0.1),
    tensors,
  });
}

/** Random networks whose means and scales vary with everything they see. */
function autoregressive(
  spec: FieldSpec,
  anySize: boolean,
  floats: (count: number, size: number) => Float32Array,
): Map<string, Tensor> {
  const recent = defaultRecipe(spec.axes, !anySize);
  // Of two axes the four nearest: what golden files were made with.
  const recipe = spec.axes === 2 ? { ...recent, neighbours: recent.neighbours.slice(0, 4) } : recent;
  const levelChannels = spec.levels.map((level) => level.channels);
  const tensors = new Map([
    ...makeBank([bankShapes.logistic, bankShapes.peaked]),
    ...recipeTensors(recipe, spec.axes),
  ]);
  levelChannels.forEach((channels, level) => {
    const inputs = inputCount(recipe, spec.axes, levelChannels, level);
    const net = blankLevelNetwork({ channels, inputs, auxiliary: auxiliaryCount(recipe, spec.axes) }, [8]);
    net.hidden[0]!.weights.set(floats(inputs * 8, 0.3));
    for (const head of [net.mean, net.scale]) {
      head.output.set(floats(8 * channels, 0.2));
      head.bias.set(floats(channels, 0.7));
      head.linear.set(floats(inputs * channels, 0.15));
      head.own.set(floats(channels * net.reach, 0.2));
    }
    for (let c = 0; c < channels; c++) net.shapes[c] = c % 2;
    for (const [name, tensor] of quantiseLevel(net, level)) tensors.set(name, tensor);
  });
  return tensors;
}

/** Adds the other priors, fitted to what the autoregressive one draws. */
function fitCounted(tensors: Map<string, Tensor>, spec: FieldSpec, shape: readonly number[], rng: Rng): void {
  const prior = readAutoregressive(tensors, spec);
  const layout = modulationLayout(spec, shape);
  const counts = new SymbolCounts(totalChannels(spec));
  for (const quality of [30, 50, 70]) {
    for (let i = 0; i < 20; i++) {
      const symbols = new Int32Array(layout.length);
      prior.walk(layout, quality, symbols, new Sampler(rng));
      counts.add(layout, quality, symbols);
    }
  }
  for (const [name, tensor] of [...fitHistogram(counts), ...fitFactorized(counts, readBank(tensors))]) {
    tensors.set(name, tensor);
  }
}
