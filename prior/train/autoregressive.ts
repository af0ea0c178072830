/**
 * Trains the autoregressive prior: one small network a level, on cells of training modulations quantised at random
 * qualities, by the bits that a discretised mixture asks for the symbols. Half way the shape of every channel is chosen from
 * the bank. Everything random comes from (seed, step), so a run that was stopped goes on to the same bits.
 */
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { log2 } from '../../src/core/detmath.ts';
import { AbortedError } from '../../src/core/errors.ts';
import { look, stoppable } from '../../src/core/look.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Tensor as StoredTensor } from '../../src/core/tensor.ts';
import { createAdam, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { type FloatLevelNetwork, quantiseLevel } from '../autoregressive-export.ts';
import { recipeTensors } from '../autoregressive-tensors.ts';
import { shapeNames } from '../bank.ts';
import { auxiliaryCount, type ContextRecipe, inputCount } from '../context.ts';
import { quantise, stepsAt } from '../quantiser.ts';
import { type CheckpointPlace, packState, type RunState, runDigest, unpackState } from './checkpoint.ts';
import { checkLoss } from './finite.ts';
import { createLevelNet, type LevelNet } from './level-net.ts';
import { type CellRows, levelRows, type Quantised } from './rows.ts';
import { schedule } from './schedule.ts';
import type { ModulationSource } from './source.ts';

export interface AutoregressiveOptions {
  /** Modulations to learn from, those below `training` of the source. */
  readonly source: ModulationSource;
  readonly training: number;
  readonly steps: Float32Array;
  readonly recipe: ContextRecipe;
  /** Units of the hidden layers. */
  readonly hidden: readonly number[];
  readonly trainingSteps: number;
  /** Cells of each level a step. */
  readonly batch: number;
  readonly rate: number;
  readonly seed: number;
  readonly checkpoint?: CheckpointPlace | undefined;
  readonly onEvent?: ((event: ContextEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type ContextEvent =
  /** Mean bits of a symbol over the steps since the last such event, at the qualities drawn. */
  | { readonly type: 'step'; readonly step: number; readonly steps: number; readonly bitsPerSymbol: number }
  | { readonly type: 'checkpoint'; readonly step: number }
  | { readonly type: 'resumed'; readonly step: number };

/** Modulations drawn a step; a batch takes cells of all of them. */
const itemsPerStep = 32;
const eventSteps = 20;

// Streams of random numbers: one for the start, one for choosing, one a step above these.
const startStream = 1;
const chooseStream = 2;
const firstStepStream = 16;

export interface TrainedContexts {
  /** `prior.autoregressive.*`. */
  readonly tensors: Map<string, StoredTensor>;
  /** The networks in floating point that they were made from, one a level. */
  readonly networks: readonly FloatLevelNetwork[];
}

/** Throws BadInputError `diverged`, AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function trainAutoregressive(
  tf: TensorFlow,
  options: AutoregressiveOptions,
): Promise<TrainedContexts> {
  const { recipe, checkpoint, signal } = options;
  const first = await options.source.at(0);
  const axes = first.layout.levels[0]!.cells.length;
  const channels = first.layout.levels.map((level) => level.channels);
  const digest = runDigest([
    recipe,
    channels,
    options.hidden,
    options.trainingSteps,
    options.batch,
    options.rate,
    options.seed,
    options.training,
    [...options.steps],
  ]);
  const nets = await startNets(tf, options, axes, channels);
  const variables = nets.flatMap((net) => net.variables);
  const adam = createAdam(tf, variables);
  let shapes: Uint8Array[] = channels.map((n) => new Uint8Array(n));
  let step = 0;
  const state = (): RunState => ({
    step,
    variables: variables.map((variable) => Float32Array.from(variable.dataSync())),
    adam: adam.state(),
    shapes,
  });

  try {
    const saved = await checkpoint?.load();
    if (saved) {
      const from = unpackState(saved, digest);
      restore(tf, variables, from.variables);
      adam.restore(from.adam);
      shapes = from.shapes.map((list) => list.slice());
      step = from.step;
      options.onEvent?.({ type: 'resumed', step });
    }
    let bits = 0;
    let symbols = 0;
    let rows: CellRows[] = [];
    while (step < options.trainingSteps) {
      if (signal?.aborted) throw new AbortedError();
      if (step === Math.floor(options.trainingSteps / 2)) shapes = await chooseShapes(tf, options, nets);
      rows = await drawRows(options, nets.length, new Rng(options.seed, firstStepStream + step), rows);
      const done = stoppable(signal, () =>
        update(tf, nets, rows, shapes, (gradients) =>
          adam.update(gradients, options.rate * schedule(step / options.trainingSteps)),
        ),
      );
      checkLoss(done.bits, 'training of the context prior', step);
      bits += done.bits;
      symbols += done.symbols;
      step++;
      if (step % eventSteps === 0 || step === options.trainingSteps) {
        options.onEvent?.({
          type: 'step',
          step,
          steps: options.trainingSteps,
          bitsPerSymbol: bits / Math.max(1, symbols),
        });
        bits = 0;
        symbols = 0;
      }
      // Kernels are synchronous: let timers, signals and other jobs in.
      await new Promise((resolve) => setImmediate(resolve));
      if (checkpoint && step < options.trainingSteps && step % (checkpoint.every ?? 500) === 0) {
        await checkpoint.save(packState(state(), digest));
        options.onEvent?.({ type: 'checkpoint', step });
      }
    }
    const networks = nets.map((net, level) => net.export(shapes[level]!));
    const tensors = networks.flatMap((network, level) => [...quantiseLevel(network, level)]);
    return { tensors: new Map([...recipeTensors(recipe, axes), ...tensors]), networks };
  } catch (error) {
    if (!(error instanceof AbortedError)) throw error;
    // within a step nothing has changed yet
    await checkpoint?.save(packState(state(), digest));
    throw new AbortedError(`training of the prior stopped after step ${step}`);
  } finally {
    adam.dispose();
    for (const net of nets) net.dispose();
  }
}

async function startNets(
  tf: TensorFlow,
  options: AutoregressiveOptions,
  axes: number,
  channels: number[],
): Promise<LevelNet[]> {
  const rng = new Rng(options.seed, startStream);
  const scales = await channelScales(
    options,
    channels.reduce((sum, n) => sum + n, 0),
    rng,
  );
  let at = 0;
  return channels.map((n, level) => {
    const size = {
      channels: n,
      inputs: inputCount(options.recipe, axes, channels, level),
      auxiliary: auxiliaryCount(options.recipe, axes),
    };
    const log2Scales = scales.slice(at, at + n);
    at += n;
    return createLevelNet(tf, size, options.hidden, { log2Scales }, rng);
  });
}

/** [channels] log2 of the logistic's scale at quality 50: its mean absolute deviation from zero is 2 ln 2 scales. */
async function channelScales(
  { source, training, steps }: AutoregressiveOptions,
  channels: number,
  rng: Rng,
): Promise<number[]> {
  const sums = new Float64Array(channels);
  const counts = new Float64Array(channels);
  for (let i = 0; i < 64; i++) {
    const { modulation, layout } = await source.at(rng.below(training));
    let at = 0;
    let channel = 0;
    for (const level of layout.levels) {
      const cells = level.cells.reduce((product, n) => product * n, 1);
      for (let j = 0; j < cells * level.channels; j++) {
        sums[channel + (j % level.channels)]! += Math.abs(modulation[at++]!);
        counts[channel + (j % level.channels)]! += 1;
      }
      channel += level.channels;
    }
  }
  return Array.from(sums, (sum, c) => {
    const scale = sum / Math.max(1, counts[c]!) / steps[c]! / (2 * Math.LN2);
    return Math.min(12, Math.max(-3, log2(Math.max(scale, 1e-6))));
  });
}

/** Quantised modulations of a step: random items, each at the quality it was made for, or at one drawn (triangular over 1 .. 100). */
async function drawItems(
  { source, training, steps }: Drawing,
  count: number,
  rng: Rng,
): Promise<Quantised[]> {
  const items: Quantised[] = [];
  for (let i = 0; i < count; i++) {
    const { modulation, layout, quality: own } = await source.at(rng.below(training));
    const drawn = 1 + Math.floor(((rng.uniform() + rng.uniform()) / 2) * 100);
    const quality = own ?? drawn;
    items.push({ layout, quality, symbols: quantise(layout, modulation, stepsAt(steps, quality)) });
  }
  return items;
}

/** What rows of training are drawn by. */
type Drawing = Pick<AutoregressiveOptions, 'source' | 'training' | 'steps' | 'recipe' | 'batch'>;

/** Rows of every level, of random cells of random modulations. */
export async function drawRows(
  options: Drawing,
  levels: number,
  rng: Rng,
  used: readonly CellRows[],
): Promise<CellRows[]> {
  const items = await drawItems(options, itemsPerStep, rng);
  const perItem = Math.max(1, Math.ceil(options.batch / itemsPerStep));
  return Array.from({ length: levels }, (_, level) =>
    levelRows(options.recipe, level, items, perItem, rng, used[level]),
  );
}

/** One step: the loss of a level is its mean bits of a cell. */
function update(
  tf: TensorFlow,
  nets: readonly LevelNet[],
  rows: readonly CellRows[],
  shapes: readonly Uint8Array[],
  apply: (gradients: Tensor[]) => void,
): { bits: number; symbols: number } {
  let bits = 0;
  let symbols = 0;
  const gradients: Tensor[] = [];
  try {
    nets.forEach((net, level) => {
      look();
      const { value, grads } = tf.variableGrads(
        () => tf.div<Scalar>(tf.sum(net.bits(rows[level]!, shapes[level]!)), rows[level]!.count),
        [...net.variables],
      );
      bits += value.dataSync()[0]! * rows[level]!.count;
      symbols += rows[level]!.count * net.channels;
      value.dispose();
      for (const variable of net.variables) gradients.push(grads[variable.name] ?? tf.zerosLike(variable));
    });
    apply(gradients);
  } finally {
    tf.dispose(gradients);
  }
  return { bits, symbols };
}

/** The shape of the bank that codes each channel best, given what the networks predict now. */
async function chooseShapes(
  tf: TensorFlow,
  options: AutoregressiveOptions,
  nets: readonly LevelNet[],
): Promise<Uint8Array[]> {
  const rng = new Rng(options.seed, chooseStream);
  const items = await drawItems(options, 8 * itemsPerStep, rng);
  const shapesOf = (net: LevelNet, level: number) => {
    const rows = levelRows(
      options.recipe,
      level,
      items,
      Math.max(1, Math.ceil(options.batch / itemsPerStep)),
      rng,
    );
    const totals = shapeNames.map((_, shape) => {
      look();
      return tf.tidy(() =>
        tf
          .sum(net.bits(rows, new Uint8Array(net.channels).fill(shape)), 0)
          .dataSync()
          .slice(),
      );
    });
    return Uint8Array.from({ length: net.channels }, (_, c) => {
      let best = 0;
      for (let shape = 1; shape < totals.length; shape++)
        if (totals[shape]![c]! < totals[best]![c]!) best = shape;
      return best;
    });
  };
  return stoppable(options.signal, () => nets.map(shapesOf));
}

function restore(tf: TensorFlow, variables: readonly Variable[], values: readonly Float32Array[]): void {
  variables.forEach((variable, i) => {
    const stored = tf.tensor(values[i]!.slice(), variable.shape, 'float32');
    variable.assign(stored as typeof variable);
    stored.dispose();
  });
}
