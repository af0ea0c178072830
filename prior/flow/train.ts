/** Trains the flow: its base from moments, its couplings by the likelihood of symbols with uniform noise. */
import type { Scalar } from '@tensorflow/tfjs-core';
import { Rng } from '../../src/core/rng.ts';
import { tensor } from '../../src/core/tensor.ts';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { gridsOf } from '../../src/field/layout.ts';
import { stepsAt } from '../quantiser.ts';
import { type CheckpointPlace, runDigest } from '../train/checkpoint.ts';
import { fromHalf, toHalf } from '../train/half.ts';
import { runTraining, valuesOf } from '../train/loop.ts';
import { NoiseBank } from '../train/noise.ts';
import { type GenerativeCard, halves, writePriorFile } from '../train/prior-file.ts';
import type { RunEvent } from '../train/run.ts';
import { stepsOf, type TrainingSet } from '../train/standard.ts';
import { fitBase } from './base.ts';
import { couplingShapes, createCouplings, startCouplings } from './couplings.ts';
import { flowOf } from './index.ts';
import { createWhitening } from './whitening.ts';

export interface FlowTraining {
  readonly set: TrainingSet;
  /** What the averaged flow is judged by. */
  readonly heldOut?: TrainingSet | undefined;
  readonly networkId: string;
  /** Quantiser steps of the model at quality 50, [channels]. */
  readonly steps: Float32Array;
  /** What the set is, for the card. */
  readonly data: string;
  /** Whose symbols the density is of; default 70. */
  readonly quality?: number | undefined;
  readonly trainingSteps?: number | undefined;
  readonly batch?: number | undefined;
  readonly couplings?: number | undefined;
  readonly hidden?: number | undefined;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  readonly checkpoint?: CheckpointPlace | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const averageDecay = 0.99;

// Streams of random numbers: the start, the noise, one a step above these.
const startStream = 1;
const noiseStream = 2;
const firstStepStream = 16;

/** The bytes of the prior's file. Throws AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function trainFlow(tf: TensorFlow, options: FlowTraining): Promise<Uint8Array> {
  const { set, networkId, seed = 0, quality = 70 } = options;
  const { trainingSteps = 1500, batch = 64, couplings: count = 6, hidden = 128, rate = 2e-3 } = options;
  const { length } = set.layout;
  const recipe = { quality, couplings: count, hidden, trainingSteps, batch, rate, seed, averageDecay };
  const steps = stepsOf(set.layout, stepsAt(options.steps, quality));
  const symbols = set.modulations.map((value, i) => Math.floor(value / steps[i % length]! + 0.5));
  const fitted = fitBase(symbols, length, (rows, n) =>
    valuesOf(tf, () => {
      const matrix = tf.tensor2d(rows, [rows.length / n, n]);
      return tf.matMul(matrix, matrix, true, false);
    }),
  );
  // What is stored is what is trained with.
  const base = { ...fitted, whitening: fromHalf(toHalf(fitted.whitening)) };
  const whitening = createWhitening(tf, base, set.layout);
  const { together } = whitening;
  const n = together.length;
  const { tokens, slots, used } = whitening.tokens;
  const size = { tokens, slots, couplings: count, hidden };
  const couplings = createCouplings(tf, size, used, startCouplings(size, new Rng(seed, startStream)));
  const noise = new NoiseBank(seed, noiseStream, (rng) => rng.uniform() - 0.5);

  const step = (index: number) => {
    const rng = new Rng(seed, firstStepStream + index);
    const numbers = new Float32Array(batch * n);
    const fresh = new Float32Array(n);
    for (let b = 0; b < batch; b++) {
      const at = rng.below(set.count) * length;
      noise.fill(fresh, rng);
      for (let j = 0; j < n; j++) {
        numbers[b * n + j] = symbols[at + together[j]!]! + fresh[j]!;
      }
    }
    const z = whitening.whiten(numbers);
    const { value, grads } = tf.variableGrads(() => {
      const { latent, logSlope } = couplings.forward(tf.tensor3d(z, [batch, tokens, slots]));
      const nats = tf.sub(tf.mul(tf.sum(tf.square(latent)), 0.5), tf.sum(logSlope));
      return tf.div(nats, batch * n) as Scalar;
    }, [...couplings.variables]);
    const loss = value.dataSync()[0]!;
    value.dispose();
    return { loss, gradients: couplings.variables.map((v) => grads[v.name] ?? tf.zerosLike(v)) };
  };

  try {
    const weights = await runTraining(tf, {
      variables: couplings.variables,
      trainingSteps,
      rate,
      averageDecay,
      digest: runDigest(['flow', networkId, recipe, set.count]),
      step,
      checkpoint: options.checkpoint,
      onEvent: options.onEvent,
      signal: options.signal,
    });
    const card: GenerativeCard = {
      kind: 'flow',
      networkId,
      levels: gridsOf(set.layout),
      labels: [],
      recipe: { ...recipe, data: options.data, items: set.count },
      figures: {},
    };
    const tensors = new Map([
      ...halves(couplingShapes(size).keys(), weights),
      ...halves(['whitening'], [base.whitening]),
      ['alone', tensor(base.alone)],
      ['first', tensor(base.first)],
      ['second', tensor(base.second)],
      ['steps', tensor(steps)],
    ]);
    const figures: Record<string, number> = {};
    if (options.heldOut !== undefined) {
      const flow = flowOf(tf, { card, tensors });
      const bits = flow.symbolBits(options.heldOut.modulations, seed);
      flow.dispose();
      figures.bitsPerDimension = bits.reduce((sum, b) => sum + b, 0) / bits.length / length;
      options.onEvent?.({
        type: 'figure',
        name: `held-out bits per dimension at quality ${quality}`,
        value: figures.bitsPerDimension,
      });
    }
    return writePriorFile({ ...card, figures }, tensors);
  } finally {
    couplings.dispose();
    whitening.dispose();
  }
}
