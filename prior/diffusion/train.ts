/** Trains the denoiser: at a noise level of its own, each modulation of a batch is to be told from its noise. */
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { BadInputError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { type CheckpointPlace, runDigest } from '../train/checkpoint.ts';
import { type RunEvent, runTraining } from '../train/loop.ts';
import { NoiseBank } from '../train/noise.ts';
import { type GenerativeCard, halves, standardTensors, writePriorFile } from '../train/prior-file.ts';
import { standardOf, type TrainingSet } from '../train/standard.ts';
import { createDenoiser, denoiserShapes, levelFeatures, startWeights } from './net.ts';
import { preconditioning, type ScheduleKind, trainingSigma } from './schedule.ts';
import { type TokenLayout, tokenLayout } from './tokens.ts';

export interface DiffusionTraining {
  readonly set: TrainingSet;
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

// Streams of random numbers: the start, the noise, one a step above these.
const startStream = 1;
const noiseStream = 2;
const firstStepStream = 16;

/** The bytes of the prior's file. Throws AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function trainDiffusion(tf: TensorFlow, options: DiffusionTraining): Promise<Uint8Array> {
  const { set, networkId, seed = 0, schedule = 'edm' } = options;
  const { trainingSteps = 6000, batch = 128, width = 192, blocks = 5, heads = 6, rate = 1e-3 } = options;
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
  const values = standardTokens(set, standard, layout);
  const net = createDenoiser(tf, size, startWeights(size, new Rng(seed, startStream)));
  const noise = new NoiseBank(seed, noiseStream);
  const { tokens, slots } = layout;
  const row = tokens * slots;
  const used = usedPlaces(layout);
  const features = levelFeatures(1).length;

  const step = (index: number) => {
    const rng = new Rng(seed, firstStepStream + index);
    const input = new Float32Array(batch * row);
    const target = new Float32Array(batch * row);
    const levels = new Float32Array(batch * features);
    const marks = new Float32Array(batch * Math.max(1, labels));
    const fresh = new Float32Array(row);
    for (let b = 0; b < batch; b++) {
      const item = rng.below(set.count);
      const sigma = trainingSigma(schedule, rng.normal(), rng.uniform());
      const { skip, out, in: scale } = preconditioning(sigma);
      noise.fill(fresh, rng);
      for (let i = 0; i < row; i++) {
        const clean = values[item * row + i]!;
        const noisy = clean + sigma * fresh[i]! * used[i]!;
        input[b * row + i] = scale * noisy;
        target[b * row + i] = (clean - skip * noisy) / out;
      }
      levels.set(levelFeatures(sigma), b * features);
      const label = set.labelOf[item]!;
      if (rng.uniform() >= labelDropout && label < labels) marks[b * labels + label] = 1;
    }
    const { value, grads } = tf.variableGrads(() => {
      const found = net.predict(
        tf.tensor3d(input, [batch, tokens, slots]),
        tf.tensor2d(levels, [batch, features]) as Tensor2D,
        labels > 0 ? tf.tensor2d(marks, [batch, labels]) : undefined,
      );
      const wanted = tf.tensor3d(target, [batch, tokens, slots]) as Tensor3D;
      return tf.mean(tf.square(tf.sub(found, wanted))) as Scalar;
    }, [...net.variables]);
    const loss = (value.dataSync()[0]! * row) / layout.length;
    value.dispose();
    return { loss, gradients: net.variables.map((v) => grads[v.name] ?? tf.zerosLike(v)) };
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
    const card: GenerativeCard = {
      kind: 'diffusion',
      networkId,
      levels: set.layout.levels,
      labels: set.labels,
      recipe: { ...recipe, data: options.data, items: set.count },
      figures: {},
    };
    const tensors = halves(denoiserShapes(size).keys(), weights);
    return writePriorFile(card, new Map([...tensors, ...standardTensors(standard)]));
  } finally {
    net.dispose();
  }
}

/** [count, tokens * slots]. */
function standardTokens(
  { count, modulations }: TrainingSet,
  { mean, scale }: { mean: Float32Array; scale: Float32Array },
  { length, tokens, slots, places }: TokenLayout,
): Float32Array {
  const row = tokens * slots;
  const values = new Float32Array(count * row);
  for (let i = 0; i < count; i++) {
    for (let d = 0; d < length; d++) {
      values[i * row + places[d]!] = (modulations[i * length + d]! - mean[d]!) / scale[d]!;
    }
  }
  return values;
}

/** [tokens * slots]: 1 where a number of the modulation goes. */
function usedPlaces({ tokens, slots, places }: TokenLayout): Float32Array {
  const used = new Float32Array(tokens * slots);
  for (const place of places) used[place] = 1;
  return used;
}
