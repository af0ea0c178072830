/**
 * Trains the network of a classifier: Adam on the cross-entropy with smoothed labels (C. Szegedy et al., arXiv 1512.00567),
 * a rate that rises and then falls along a line. Everything random comes from (seed, epoch or step).
 */
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { type CheckpointPlace, packState, runDigest, unpackState } from '../../prior/train/checkpoint.ts';
import { checkLoss } from '../../prior/train/finite.ts';
import { assign } from '../../prior/train/loop.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Tensor as StoredTensor } from '../core/tensor.ts';
import { createAdam, type TensorFlow } from '../engine/tfjs/backend.ts';
import { pointCount } from '../field/spec.ts';
import { type Architecture, checkArchitecture, type Learning, mapInputCount } from './architecture.ts';
import { createNetwork, type LearningNetwork, type Network, openNetwork } from './network.ts';

/** Labelled maps, made as they are asked for. */
export interface Examples {
  readonly count: number;
  /** Kinds of each item that `fill` knows, one drawn at each turn of training: 1 when there is the item alone. */
  readonly views: number;
  /** Class of item `i`, from 0. */
  classOf(i: number): number;
  /** Writes item `i`, [cells, channels], to `target`. */
  fill(i: number, view: number, target: Float32Array): void;
}

export interface LearnOptions {
  readonly architecture: Architecture;
  readonly learning: Learning;
  readonly examples: Examples;
  /** What `onEvent` hears of after each epoch; nothing is chosen by it. */
  readonly validation?: Examples | undefined;
  /** Where the run keeps its state; a run that finds one of the same `digest` goes on from it with the same bits. */
  readonly checkpoint?: CheckpointPlace | undefined;
  /** Of everything that makes the run another one, beside what is here. */
  readonly digest?: unknown;
  readonly onEvent?: ((event: LearnEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type LearnEvent =
  /** Mean loss in nats over the steps since the last such event. */
  | { readonly type: 'step'; readonly step: number; readonly steps: number; readonly loss: number }
  | { readonly type: 'epoch'; readonly epoch: number; readonly accuracy: number }
  | { readonly type: 'checkpoint'; readonly step: number }
  | { readonly type: 'resumed'; readonly step: number };

const eventSteps = 20;
/** Steps between two checkpoints, unless their place says otherwise. */
const checkpointSteps = 500;
/** Share of the steps in which the rate rises. */
const warmUp = 0.2;
/** Items judged in one go. */
const judged = 128;

// Streams of random numbers: the start, one an epoch for the order, one a step for views and dropout.
const startStream = 1;
const firstEpochStream = 1 << 16;
const firstStepStream = 2 ** 32;

/**
 * The tensors of the trained network, for `openNetwork`. Throws BadInputError `training` or `diverged`, AbortedError when told to stop,
 * after saving a checkpoint if there is a place for one, ConflictError `other-run` when that holds another run's.
 */
export async function learn(tf: TensorFlow, options: LearnOptions): Promise<Map<string, StoredTensor>> {
  const { architecture, examples, validation, learning, checkpoint, onEvent, signal } = options;
  checkArchitecture(architecture);
  checkLearning(learning, examples.count);
  const { epochs, batch, seed } = learning;
  const network = createNetwork(tf, architecture, new Rng(seed, startStream));
  const adam = createAdam(tf, network.variables);
  const perEpoch = Math.floor(examples.count / batch);
  const steps = epochs * perEpoch;
  const order = Uint32Array.from({ length: examples.count }, (_, i) => i);
  const digest = runDigest([
    'classifier',
    architecture,
    learning,
    examples.count,
    examples.views,
    options.digest,
  ]);
  let [step, loss, since] = [0, 0, 0];
  const save = async () => {
    const variables = network.variables.map((v) => Float32Array.from(v.dataSync()));
    const state = { step, variables, adam: adam.state(), averages: network.moments, shapes: [] };
    await checkpoint?.save(packState(state, digest));
  };
  try {
    const saved = await checkpoint?.load();
    if (saved !== undefined) {
      const from = unpackState(saved, digest);
      assign(tf, network.variables, from.variables);
      network.restore(from.averages ?? [], from.step);
      adam.restore(from.adam);
      step = from.step;
      onEvent?.({ type: 'resumed', step });
    }
    for (let epoch = 0; epoch < epochs; epoch++) {
      // Each epoch shuffles the order of the one before, those of a run that is gone on with too.
      new Rng(seed, firstEpochStream + epoch).shuffle(order);
      if (step >= (epoch + 1) * perEpoch) continue;
      for (let at = (step - epoch * perEpoch) * batch; at < perEpoch * batch; at += batch) {
        if (signal?.aborted) {
          await save();
          const how = checkpoint === undefined ? '' : '; the same command goes on from there';
          throw new AbortedError(`training stopped after step ${step} of ${steps}${how}`);
        }
        const drawn = draw(options, order.subarray(at, at + batch), new Rng(seed, firstStepStream + step));
        step++;
        const own = update(tf, network, architecture, drawn, (gradients) =>
          adam.update(gradients, learning.rate * schedule(step / steps)),
        );
        checkLoss(own, 'training of the classifier', step);
        loss += own;
        since++;
        if (step % eventSteps === 0 || step === steps) {
          onEvent?.({ type: 'step', step, steps, loss: loss / since });
          [loss, since] = [0, 0];
        }
        // Kernels are synchronous: let timers, signals and other jobs in.
        await new Promise((resolve) => setImmediate(resolve));
        if (checkpoint && step < steps && step % (checkpoint.every ?? checkpointSteps) === 0) {
          await save();
          onEvent?.({ type: 'checkpoint', step });
        }
      }
      if (validation) {
        const now = openNetwork(tf, architecture, network.export());
        const { accuracy } = judge(now, architecture, validation);
        now.dispose();
        onEvent?.({ type: 'epoch', epoch: epoch + 1, accuracy });
      }
    }
    return network.export();
  } finally {
    adam.dispose();
    network.dispose();
  }
}

export interface Judgement {
  /** Share of items whose likeliest class is their own. */
  readonly accuracy: number;
  /** [count]: the likeliest class of each. */
  readonly classes: Int32Array;
}

/** What a network says of each of the examples, in their first view. */
export function judge(network: Network, architecture: Architecture, examples: Examples): Judgement {
  const length = pointCount(architecture.cells) * architecture.channels;
  const classes = new Int32Array(examples.count);
  let right = 0;
  for (let first = 0; first < examples.count; first += judged) {
    const count = Math.min(judged, examples.count - first);
    const maps = new Float32Array(count * length);
    for (let i = 0; i < count; i++) examples.fill(first + i, 0, maps.subarray(i * length, (i + 1) * length));
    const { logits } = network.run(maps);
    for (let i = 0; i < count; i++) {
      const own = logits.subarray(i * architecture.classes, (i + 1) * architecture.classes);
      const best = own.indexOf(Math.max(...own));
      classes[first + i] = best;
      if (best === examples.classOf(first + i)) right++;
    }
  }
  return { accuracy: right / examples.count, classes };
}

interface Drawn {
  readonly maps: Float32Array;
  /** [batch, features]: 0 or 1 / (1 - dropout); absent: nothing is left out. */
  readonly mask: Float32Array | undefined;
  /** [batch, classes]. */
  readonly targets: Float32Array;
}

function draw({ architecture, learning, examples }: LearnOptions, items: Uint32Array, rng: Rng): Drawn {
  const length = pointCount(architecture.cells) * architecture.channels;
  const { classes } = architecture;
  const { dropout, smoothing } = learning;
  const maps = new Float32Array(items.length * length);
  const targets = new Float32Array(items.length * classes).fill(smoothing / classes);
  items.forEach((item, i) => {
    examples.fill(item, rng.below(examples.views), maps.subarray(i * length, (i + 1) * length));
    targets[i * classes + examples.classOf(item)]! += 1 - smoothing;
  });
  const mask =
    dropout === 0
      ? undefined
      : Float32Array.from({ length: items.length * mapInputCount(architecture) }, () =>
          rng.uniform() < dropout ? 0 : 1 / (1 - dropout),
        );
  return { maps, mask, targets };
}

/** One step; the mean loss of the batch in nats. */
function update(
  tf: TensorFlow,
  network: LearningNetwork,
  { cells, channels, classes }: Architecture,
  { maps, mask, targets }: Drawn,
  apply: (gradients: Parameters<ReturnType<typeof createAdam>['update']>[0]) => void,
): number {
  const count = targets.length / classes;
  const { value, grads } = tf.variableGrads(() => {
    const x = tf.tensor3d(maps, [count, pointCount(cells), channels]);
    const left = mask && tf.tensor2d(mask, [count, mask.length / count]);
    return crossEntropy(tf, network.logits(x, left), tf.tensor2d(targets, [count, classes]));
  }, [...network.variables]);
  const gradients = network.variables.map(({ name }) => grads[name]!);
  apply(gradients);
  const loss = value.dataSync()[0]!;
  tf.dispose([value, ...gradients]);
  return loss;
}

/** Mean over rows of -sum target log softmax(logits). */
function crossEntropy(tf: TensorFlow, logits: Tensor2D, targets: Tensor2D): Scalar {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const logSums = tf.log(tf.sum(tf.exp(shifted), 1, true));
  return tf.mean(tf.sum(tf.mul(targets, tf.sub(logSums, shifted)), 1)) as Scalar;
}

/** Up along a line, then down to zero along another; `done` in (0, 1]. */
function schedule(done: number): number {
  return Math.min(done / warmUp, (1 - done) / (1 - warmUp));
}

function checkLearning({ epochs, batch, rate, dropout, smoothing }: Learning, count: number): void {
  const fault = (what: string) => new BadInputError('training', what);
  if (!(Number.isInteger(epochs) && epochs >= 1))
    throw fault(`epochs are a whole number from 1, not ${epochs}`);
  if (!(Number.isInteger(batch) && batch >= 2 && batch <= count)) {
    throw fault(`a batch holds from 2 to all ${count} items, not ${batch}`);
  }
  if (!(rate > 0 && rate < 1)) throw fault(`rate is between 0 and 1, not ${rate}`);
  for (const [name, share] of [
    ['dropout', dropout],
    ['smoothing', smoothing],
  ] as const) {
    if (!(share >= 0 && share < 1)) throw fault(`${name} is from 0 to under 1, not ${share}`);
  }
}
