/**
 * A model at a quality. What was learnt may change with quality along a line, in octaves of the quantiser's steps: weights add
 * their slope, rates and steps double by theirs. A network that serves all rates alike pays for it at both ends; one on a line does not
 * (conditional coding at variable rates: Choi, El-Khamy and Lee, arXiv 1909.04802, there by scaling features).
 */
import { exp2 } from '../core/detmath.ts';
import { type Tensor, takeTensor, tensor } from '../core/tensor.ts';
import type { Model } from './model.ts';
import { type BaseNetwork, totalChannels } from './spec.ts';

/** That of a modulation outside of a file: functasets, priors with files of their own and queries know no other. */
export const defaultQuality = 50;

/** How many times the steps of this quality are half those of quality 50. */
export function octavesAt(quality: number): number {
  return (quality - defaultQuality) / 10;
}

/** Per ten points of quality. */
export interface QualitySlopes {
  /** Lowest and highest quality that was learnt; beyond them a network stays as it is there. */
  readonly qualities: readonly [lowest: number, highest: number];
  /** As the weights of a network. */
  readonly weights: Float32Array;
  /** Exponents of two, as the rates of a network and its steps. */
  readonly rates: Float32Array;
  readonly steps: Float32Array;
}

/** Tensors [channels] of a model that also change with quality, each by its own `.slope`. */
const slopedTensors = ['learn.scales'];

export function slopeTensor(name: string): string {
  return `${name}.slope`;
}

const made = new WeakMap<Model, Map<number, Model>>();

/** The model as it is at a quality; the same object for the same octave, and the model itself where nothing changes. */
export function atQuality(model: Model, quality: number): Model {
  const { slopes } = model;
  if (slopes === undefined) return model;
  const [lowest, highest] = slopes.qualities;
  const octaves = octavesAt(Math.min(highest, Math.max(lowest, quality)));
  const known = made.get(model) ?? new Map<number, Model>();
  made.set(model, known);
  const found = known.get(octaves) ?? moved(model, slopes, octaves);
  known.set(octaves, found);
  return found;
}

function moved(model: Model, slopes: QualitySlopes, octaves: number): Model {
  const { network, steps } = model;
  const tensors = new Map<string, Tensor>(model.tensors);
  for (const name of slopedTensors) {
    const values = model.tensors.get(name)?.data;
    const slope = model.tensors.get(slopeTensor(name))?.data;
    if (values instanceof Float32Array && slope instanceof Float32Array && slope.length === values.length)
      tensors.set(name, tensor(doubled(values, slope, octaves)));
  }
  return {
    ...model,
    slopes: undefined,
    network: {
      spec: network.spec,
      weights: network.weights.map((w, i) => w + octaves * slopes.weights[i]!),
      rates: doubled(network.rates, slopes.rates, octaves),
    },
    steps: doubled(steps, slopes.steps, octaves),
    tensors,
  };
}

function doubled(values: Float32Array, slope: Float32Array, octaves: number): Float32Array {
  return values.map((x, c) => x * exp2(octaves * slope[c]!));
}

/** The slopes among the tensors of a model file; undefined when there are none. Throws BadInputError `tensor-*`. */
export function takeSlopes(
  tensors: ReadonlyMap<string, Tensor>,
  { spec, weights, rates }: BaseNetwork,
): QualitySlopes | undefined {
  if (!tensors.has('field.qualities')) return undefined;
  const [lowest, highest] = takeTensor(tensors, 'field.qualities', 'F32', 2);
  const take = (name: string, length: number) => takeTensor(tensors, slopeTensor(name), 'F32', length);
  return {
    qualities: [lowest!, highest!],
    weights: take('field.weights', weights.length),
    rates: take('field.rates', rates.length),
    steps: take('field.steps', totalChannels(spec)),
  };
}

export function slopeTensors({ qualities, weights, rates, steps }: QualitySlopes): [string, Tensor][] {
  return [
    ['field.qualities', tensor(Float32Array.from(qualities))],
    [slopeTensor('field.weights'), tensor(weights)],
    [slopeTensor('field.rates'), tensor(rates)],
    [slopeTensor('field.steps'), tensor(steps)],
  ];
}
