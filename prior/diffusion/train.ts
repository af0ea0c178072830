/** Trains the denoiser: at a noise level of its own, each modulation of a batch is to be told from its noise. */
import type { Scalar } from '@tensorflow/tfjs-core';
import { BadInputError } from '../../src/core/errors.ts';
import { labelText } from '../../src/core/label.ts';
import { Rng } from '../../src/core/rng.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { gridsOf } from '../../src/field/layout.ts';
import { type CheckpointPlace, runDigest } from '../train/checkpoint.ts';
import { assign, type RunEvent, runTraining } from '../train/loop.ts';
import { NoiseBank } from '../train/noise.ts';
import { type GenerativeCard, halves, standardTensors, writePriorFile } from '../train/prior-file.ts';
import { standardised, standardOf, type TrainingSet } from '../train/standard.ts';
import { type TokenLayout, tokenLayout, toTokens } from '../train/tokens.ts';
import { createDenoiser, denoiserShapes, levelFeatures, startWeights } from './net.ts';
import { preconditioning, type ScheduleKind, trainingSigma } from './schedule.ts';

export interface DiffusionTraining {
  readonly set: TrainingSet;
  /** What the averaged network is judged by; with the labels of `set`. */
  readonly heldOut?: TrainingSet | undefined;
  readonly networkId: string;
  /** Quantiser steps of the model at quality 50, [channels]. */
  readonly steps: Float32Array;
  /** What the set is, for the card. */
  readonly data: string;
  readonly trainingSteps?: number | undefined;
  readonly batch?: number | undefined;
  readonly width?: number | undefined;
  readonly blocks?: number | undefined;
  readonly heads?: number | undefined;
  readonly rate?: number | undefined;
  readonly schedule?: ScheduleKind | undefined;
  readonly seed?: number | undefined;
  readonly checkpoint?: CheckpointPlace | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Items trained without their label, so that the network knows both. */
const labelDropout = 0.12;
const averageDecay = 0.999;
const heldOutBatches = 16;

// Streams of random numbers: the start, the noise, one a step above these.
const startStream = 1;
const noiseStream = 2;
const heldOutStream = 3;
const firstStepStream = 16;

/** The bytes of the prior's file. Throws AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function trainDiffusion(tf: TensorFlow, options: DiffusionTraining): Promise<Uint8Array> {
  const { set, networkId, seed = 0, schedule = 'edm' } = options;
  const { trainingSteps = 5000, batch = 64, width = 160, blocks = 4, heads = 5, rate = 1e-3 } = options;
  if (width % heads !== 0) {
    throw new BadInputError('prior-training', `${heads} heads do not divide a width of ${width}`);
  }
  const layout = tokenLayout(set.layout);
  const labels = set.labels.length;
  const size = { tokens: layout.tokens, slots: layout.slots, width, blocks, heads, labels };
  const recipe = {
    width,
    blocks,
    heads,
    schedule,
    trainingSteps,
    batch,
    rate,
    seed,
    averageDecay,
    labelDropout,
  };
  const standard = standardOf(set, options.steps);
  const values = toTokens(layout, standardised(standard, set.modulations));
  const net = createDenoiser(tf, size, startWeights(size, new Rng(seed, startStream)));
  const noise = new NoiseBank(seed, noiseStream, (rng) => rng.normal());
  const { tokens, slots } = layout;
  const row = tokens * slots;
  const used = usedPlaces(layout);
  const features = levelFeatures(1).length;

  /** Noisy items and what the network should make of them. */
  const drawBatch = (from: TrainingSet, all: Float32Array, count: number, dropout: number, rng: Rng) => {
    const input = new Float32Array(count * row);
    const target = new Float32Array(count * row);
    const levels = new Float32Array(count * features);
    const marks = new Float32Array(count * Math.max(1, labels));
    const fresh = new Float32Array(row);
    for (let b = 0; b < count; b++) {
      const item = rng.below(from.count);
      const sigma = trainingSigma(schedule, rng.normal(), rng.uniform());
      const { skip, out, in: scale } = preconditioning(sigma);
      noise.fill(fresh, rng);
      for (let i = 0; i < row; i++) {
        const clean = all[item * row + i]!;
        const noisy = clean + sigma * fresh[i]! * used[i]!;
        input[b * row + i] = scale * noisy;
        target[b * row + i] = (clean - skip * noisy) / out;
      }
      levels.set(levelFeatures(sigma), b * features);
      const label = from.labels[from.labelOf[item]!];
      const column =
        label === undefined ? -1 : set.labels.findIndex((own) => labelText(own) === labelText(label));
      if (rng.uniform() >= dropout && column >= 0) marks[b * labels + column] = 1;
    }
    return { count, input, target, levels, marks };
  };
  type Batch = ReturnType<typeof drawBatch>;
  const lossOf = ({ count, input, target, levels, marks }: Batch) => {
    const found = net.predict(
      tf.tensor3d(input, [count, tokens, slots]),
      tf.tensor2d(levels, [count, features]),
      labels > 0 ? tf.tensor2d(marks, [count, labels]) : undefined,
    );
    const wanted = tf.tensor3d(target, [count, tokens, slots]);
    return tf.mean(tf.square(tf.sub(found, wanted))) as Scalar;
  };
  // Places that no number falls on have no loss.
  const perNumber = row / layout.length;
  const step = (index: number) => {
    const drawn = drawBatch(set, values, batch, labelDropout, new Rng(seed, firstStepStream + index));
    const { value, grads } = tf.variableGrads(() => lossOf(drawn), [...net.variables]);
    const loss = value.dataSync()[0]! * perNumber;
    value.dispose();
    return { loss, gradients: net.variables.map((v) => grads[v.name] ?? tf.zerosLike(v)) };
  };
  const heldOutLoss = (held: TrainingSet) => {
    const all = toTokens(layout, standardised(standard, held.modulations));
    const rng = new Rng(seed, heldOutStream);
    let sum = 0;
    for (let i = 0; i < heldOutBatches; i++) {
      const drawn = drawBatch(held, all, batch, 0, rng);
      sum += tf.tidy(() => lossOf(drawn).dataSync()[0]!) * perNumber;
    }
    return sum / heldOutBatches;
  };

  try {
    const weights = await runTraining(tf, {
      variables: net.variables,
      trainingSteps,
      rate,
      averageDecay,
      digest: runDigest(['diffusion', networkId, recipe, set.count, set.labels]),
      step,
      checkpoint: options.checkpoint,
      onEvent: options.onEvent,
      signal: options.signal,
    });
    const figures: Record<string, number> = {};
    if (options.heldOut !== undefined) {
      assign(tf, net.variables, weights);
      figures.heldOutLoss = heldOutLoss(options.heldOut);
      options.onEvent?.({ type: 'figure', name: 'held-out loss', value: figures.heldOutLoss });
    }
    const card: GenerativeCard = {
      kind: 'diffusion',
      networkId,
      levels: gridsOf(set.layout),
      labels: set.labels,
      recipe: { ...recipe, data: options.data, items: set.count },
      figures,
    };
    const tensors = halves(denoiserShapes(size).keys(), weights);
    return writePriorFile(card, new Map([...tensors, ...standardTensors(standard)]));
  } finally {
    net.dispose();
  }
}

/** [tokens * slots]: 1 where a number of the modulation goes. */
function usedPlaces({ tokens, slots, places }: TokenLayout): Float32Array {
  const used = new Float32Array(tokens * slots);
  for (const place of places) used[place] = 1;
  return used;
}
