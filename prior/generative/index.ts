/**
 * The priors with files of their own: how each is opened and trained. A new one is a folder beside `flow` with these two functions, a
 * descriptor in prior/kinds.ts, and a line here.
 */
import type { Limits } from '../../src/core/limits.ts';
import { openTensorFlow, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { openMultiply } from '../../src/engine/tfjs/multiply.ts';
import { openDiffusion, trainDiffusion } from '../diffusion/index.ts';
import { openFlow, trainFlow } from '../flow/index.ts';
import { openGaussian, trainGaussian } from '../gaussian/index.ts';
import type { GenerativeKind } from '../kinds.ts';
import type { CheckpointPlace } from '../train/checkpoint.ts';
import type { RunEvent } from '../train/run.ts';
import type { TrainingSet } from '../train/standard.ts';

export interface OpenGenerativeOptions {
  /** What the file must belong to; absent: anything. */
  readonly networkId?: string | undefined;
  readonly limits?: Limits | undefined;
  /** Of a kind that `distils`: the bytes of the network that draws in few steps. */
  readonly distilled?: Uint8Array | undefined;
}

/** What any of them is trained with; each takes what it needs. */
export interface GenerativeTraining {
  readonly set: TrainingSet;
  /** Modulations that nothing is learnt from; read when they are asked for. */
  heldOut(): Promise<TrainingSet>;
  readonly networkId: string;
  /** Quantiser steps of the model at quality 50, [channels]. */
  readonly steps: Float32Array;
  /** Where the modulations come from, for the card. */
  readonly data: string;
  readonly trainingSteps?: number | undefined;
  /** Of a diffusion's network: channels of a token, a multiple of 4, and layers. */
  readonly width?: number | undefined;
  readonly blocks?: number | undefined;
  /** Items a step of a diffusion. */
  readonly batch?: number | undefined;
  /** Of a diffusion: the noise levels that two thirds of its training items lie between. */
  readonly noise?: readonly number[] | undefined;
  /** The bytes of a prior of this kind to go on from. Throws BadInputError `prior-training` of a kind that cannot. */
  readonly from?: Uint8Array | undefined;
  /** Of a diffusion: see `DiffusionTraining`. */
  readonly tokenLevels?: boolean | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  readonly checkpoint: CheckpointPlace;
  /** Told what computes: the native kernels, or which backend of TensorFlow.js. */
  readonly onBackend?: ((backend: string) => void) | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Both throw what the functions of their folder throw. */
interface Generative {
  /** A training can go on from a file. */
  readonly goesOn?: true;
  /** From the bytes of its file. */
  open(bytes: Uint8Array, options: OpenGenerativeOptions): unknown;
  /** The bytes of its file. */
  train(training: GenerativeTraining): Promise<Uint8Array>;
}

export const generativePriors = {
  diffusion: {
    goesOn: true,
    open: openDiffusion,
    train: async (training) => trainDiffusion({ ...training, heldOut: await training.heldOut() }),
  },
  flow: {
    open: openFlow,
    train: (training) => withTensorFlow(training, trainFlow),
  },
  gaussian: {
    open: openGaussian,
    train: ({ set, networkId, data, threads = 1, signal }) =>
      trainGaussian({ set, networkId, data, multiply: openMultiply(threads), signal }),
  },
} as const satisfies Readonly<Record<GenerativeKind, Generative>>;

/** What a file of each kind is opened to. */
export type OpenedGenerative = {
  readonly [K in GenerativeKind]: Awaited<ReturnType<(typeof generativePriors)[K]['open']>>;
};

type Judged = Omit<GenerativeTraining, 'heldOut'> & { readonly heldOut: TrainingSet };

async function withTensorFlow(
  training: GenerativeTraining,
  train: (tf: TensorFlow, options: Judged) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const heldOut = await training.heldOut();
  const { tf, backend } = await openTensorFlow({ threads: training.threads });
  training.onBackend?.(`TensorFlow.js (${backend})`);
  return train(tf, { ...training, heldOut });
}
