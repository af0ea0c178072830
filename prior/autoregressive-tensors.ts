/**
 * The tensors of an autoregressive prior: names, types and shapes, and the proof that no sum leaves 32 bits. Semantics
 * are in `autoregressive.ts`.
 *
 *   prior.autoregressive.neighbours                I8  [n, axes]
 *   prior.autoregressive.parents                   I8  [m, axes]
 *   prior.autoregressive.position                  U8  [1]              1: position is an input
 *
 * and for each level k, of C channels, under prior.autoregressive.level<k>:
 *
 *   hidden<j>.weights   I16 [inputs, units]   j = 0, 1, ...: as many as there are, 4 at most
 *   hidden<j>.bias      I32 [units]
 *   <head>.output       I16 [units, C]        <head>: `mean` and `scale`; left out without hidden layers
 *   <head>.bias         I32 [C]
 *   <head>.linear       I16 [inputs, C]
 *   <head>.own          I16 [C, R]            row d, column j: from channel d to channel d + 1 + j
 *   shapes              U8  [C]               shape in the bank
 *   shifts              U8  [layers + 4]      s_1, ..., of the mean: output and sum, of the scale: output and sum; 30 at most
 */
import { BadInputError } from '../src/core/errors.ts';
import { type Tensor, takeTensor, tensor } from '../src/core/tensor.ts';
import {
  auxiliaryCount,
  type ContextRecipe,
  checkContextRecipe,
  inputCount,
  maxCompanded,
  maxRaw,
} from './context.ts';

/** Hidden units are clipped to [0, maxHidden]. */
export const maxHidden = 4095;
export const maxHiddenLayers = 4;
export const maxShift = 30;

const sumLimit = 0x80000000;
const maxOffsets = 64;

export interface HiddenLayer {
  readonly units: number;
  readonly weights: Int16Array;
  readonly bias: Int32Array;
  readonly shift: number;
}

/** What leads to the mean, or to the scale, of every channel. */
export interface Head {
  readonly output: Int16Array;
  readonly outputShift: number;
  readonly bias: Int32Array;
  readonly linear: Int16Array;
  readonly own: Int16Array;
  readonly shift: number;
}

/** One level's network, as the traversal uses it. */
export interface LevelTensors {
  readonly channels: number;
  readonly inputs: number;
  /** Auxiliary ones among the inputs; they come first. */
  readonly auxiliary: number;
  readonly hidden: readonly HiddenLayer[];
  readonly mean: Head;
  readonly scale: Head;
  readonly reach: number;
  readonly shapes: Uint8Array;
  /** Multiply-adds of one cell, at most. */
  readonly multiplyAdds: number;
}

/** The names of a level's tensors begin so. */
export const levelName = (level: number) => `prior.autoregressive.level${level}`;

export function readRecipe(tensors: ReadonlyMap<string, Tensor>, axes: number): ContextRecipe {
  const offsets = (name: string) => {
    const data = takeTensor(tensors, `prior.autoregressive.${name}`, 'I8');
    if (data.length % axes !== 0 || data.length > maxOffsets * axes) {
      throw new BadInputError(
        'prior-recipe',
        `prior.autoregressive.${name} is not a list of at most ${maxOffsets} offsets`,
      );
    }
    return Array.from({ length: data.length / axes }, (_, i) =>
      Array.from(data.subarray(i * axes, (i + 1) * axes)),
    );
  };
  const recipe = {
    neighbours: offsets('neighbours'),
    parents: offsets('parents'),
    position: takeTensor(tensors, 'prior.autoregressive.position', 'U8', 1)[0] === 1,
  };
  checkContextRecipe(recipe, axes);
  return recipe;
}

export function recipeTensors(recipe: ContextRecipe, axes: number): Map<string, Tensor> {
  checkContextRecipe(recipe, axes);
  const list = (offsets: ContextRecipe['parents']) =>
    tensor(Int8Array.from(offsets.flat()), [offsets.length, axes]);
  return new Map([
    ['prior.autoregressive.neighbours', list(recipe.neighbours)],
    ['prior.autoregressive.parents', list(recipe.parents)],
    ['prior.autoregressive.position', tensor(Uint8Array.of(recipe.position ? 1 : 0))],
  ]);
}

/**
 * Reads and checks one level. Throws BadInputError `tensor-*` when a tensor is missing or of another size, and
 * `prior-range` when a shift or shape is out of range or a sum could leave 32 bits.
 */
export function readLevel(
  tensors: ReadonlyMap<string, Tensor>,
  recipe: ContextRecipe,
  axes: number,
  levelChannels: readonly number[],
  level: number,
  shapeCount: number,
): LevelTensors {
  const name = levelName(level);
  const channels = levelChannels[level]!;
  const inputs = inputCount(recipe, axes, levelChannels, level);
  let layers = 0;
  while (layers < maxHiddenLayers && tensors.has(`${name}.hidden${layers}.weights`)) layers++;
  const shifts = takeTensor(tensors, `${name}.shifts`, 'U8', layers + 4);
  if (shifts.some((shift) => shift > maxShift)) fail(name, `a shift is above ${maxShift}`);
  let rows = inputs;
  const hidden: HiddenLayer[] = [];
  for (let j = 0; j < layers; j++) {
    const bias = takeTensor(tensors, `${name}.hidden${j}.bias`, 'I32');
    const weights = takeTensor(tensors, `${name}.hidden${j}.weights`, 'I16', rows * bias.length);
    hidden.push({ units: bias.length, weights, bias, shift: shifts[j]! });
    rows = bias.length;
  }
  const reach = takeTensor(tensors, `${name}.mean.own`, 'I16').length / channels;
  if (!Number.isInteger(reach) || reach >= Math.max(1, channels))
    fail(name, `mean.own is not [${channels}, R], R < ${channels}`);
  const head = (which: 'mean' | 'scale', at: number): Head => ({
    output:
      layers === 0
        ? new Int16Array(0)
        : takeTensor(tensors, `${name}.${which}.output`, 'I16', rows * channels),
    outputShift: shifts[at]!,
    bias: takeTensor(tensors, `${name}.${which}.bias`, 'I32', channels),
    linear: takeTensor(tensors, `${name}.${which}.linear`, 'I16', inputs * channels),
    own: takeTensor(tensors, `${name}.${which}.own`, 'I16', channels * reach),
    shift: shifts[at + 1]!,
  });
  const mean = head('mean', layers);
  const scale = head('scale', layers + 2);
  const shapes = takeTensor(tensors, `${name}.shapes`, 'U8', channels);
  if (shapes.some((shape) => shape >= shapeCount))
    fail(name, `a shape is not one of the bank's ${shapeCount}`);

  const auxiliary = auxiliaryCount(recipe, axes);
  proveHidden(name, hidden);
  proveHead(`${name}.mean`, mean, channels, reach, (i) => (i < auxiliary ? maxCompanded : maxRaw), maxRaw);
  proveHead(`${name}.scale`, scale, channels, reach, () => maxCompanded, maxCompanded);
  const stored = [mean.output, mean.linear, mean.own, ...hidden.map((layer) => layer.weights)];
  const multiplyAdds = stored.reduce(
    (sum, weights) => sum + weights.length,
    scale.output.length + scale.linear.length + scale.own.length,
  );
  return { channels, inputs, auxiliary, hidden, mean, scale, reach, shapes, multiplyAdds };
}

function proveHidden(name: string, hidden: readonly HiddenLayer[]): void {
  hidden.forEach(({ weights, units, bias }, j) => {
    const bounds = columnSums(weights, units, () => (j === 0 ? maxCompanded : maxHidden));
    if (bounds.some((bound, u) => !(bound + Math.abs(bias[u]!) < sumLimit)))
      fail(name, `a sum of hidden${j} could leave 32 bits`);
  });
}

/** Largest absolute sums that the weights allow, whatever the inputs and the order of addition, stay below 2^31. */
function proveHead(
  name: string,
  head: Head,
  channels: number,
  reach: number,
  largest: (row: number) => number,
  largestOwn: number,
): void {
  const outputs = columnSums(head.output, channels, () => maxHidden);
  const sums = columnSums(head.linear, channels, largest);
  for (let c = 0; c < channels; c++) {
    if (!(outputs[c]! < sumLimit)) fail(name, `the output of channel ${c} could leave 32 bits`);
    let sum = sums[c]! + outputs[c]! / (1 << head.outputShift) + 1 + Math.abs(head.bias[c]!);
    for (let d = Math.max(0, c - reach); d < c; d++)
      sum += largestOwn * Math.abs(head.own[d * reach + c - d - 1]!);
    if (!(sum < sumLimit)) fail(name, `the sum of channel ${c} could leave 32 bits`);
  }
}

/** [columns]: sums over rows of |weight| times the largest value of the row. */
export function columnSums(
  weights: Int16Array | Float32Array,
  columns: number,
  largest: (row: number) => number,
): Float64Array {
  const sums = new Float64Array(columns);
  for (let at = 0, row = 0; at < weights.length; row++) {
    const most = largest(row);
    for (let u = 0; u < columns; u++) sums[u]! += Math.abs(weights[at++]!) * most;
  }
  return sums;
}

function fail(name: string, what: string): never {
  throw new BadInputError('prior-range', `${name}: ${what}`);
}
