/** Trains the denoiser: at a noise level of its own, each modulation of a batch is to be told from its noise. */
import { BadInputError } from '../../src/core/errors.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { labelText } from '../../src/core/label.ts';
import { Rng } from '../../src/core/rng.ts';
import { elementCount } from '../../src/core/tensor.ts';
import { gridsOf } from '../../src/field/layout.ts';
import { runArrays } from '../train/array-loop.ts';
import { type CheckpointPlace, runDigest } from '../train/checkpoint.ts';
import { NoiseBank } from '../train/noise.ts';
import {
  type GenerativeCard,
  halves,
  readPriorFile,
  type Sampling,
  standardTensors,
  writePriorFile,
} from '../train/prior-file.ts';
import type { RunEvent } from '../train/run.ts';
import { type ModulationStandard, standardised, standardOf, type TrainingSet } from '../train/standard.ts';
import { type TokenLayout, tokenLayout, toTokens } from '../train/tokens.ts';
import { diffusionParts, levelsOfTokens } from './file.ts';
import {
  drawPart,
  highestOf,
  knownWeight,
  type Levels,
  levelOf,
  partLabelDropout,
  partlyKnown,
  tokenFeatures,
} from './levels.ts';
import {
  type Activation,
  type DenoiserInput,
  type DenoiserSize,
  denoiserShapes,
  levelFeatures,
  levelNumbers,
  startWeights,
} from './net.ts';
import { openNet } from './open-net.ts';
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
  readonly activation?: Activation | undefined;
  /** Items of which a part is known, with a level for each token (levels.ts). Default: only where a training goes on; one that knows them keeps them. */
  readonly tokenLevels?: boolean | undefined;
  /** The bytes of a diffusion of this network to go on from: its sizes and units are kept, and whatever it lacks starts at zero. */
  readonly from?: Uint8Array | undefined;
  readonly schedule?: ScheduleKind | undefined;
  /** Noise levels that two thirds of the training items lie between: higher where few directions hold most of what varies. */
  readonly noise?: readonly number[] | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  readonly checkpoint?: CheckpointPlace | undefined;
  /** Told what computes. */
  readonly onBackend?: ((backend: string) => void) | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Items trained without their label, so that the network knows both. */
const labelDropout = 0.1;
const averageDecay = 0.9995;
/** Highest learning rates: of a run from random weights, and of one that goes on. */
const freshRate = 1e-3;
const laterRate = 5e-4;
const heldOutBatches = 16;
/** Steps between two looks at what is held out. */
const judgedSteps = 1000;

// Streams of random numbers: the start, the noise, one a step above these.
const startStream = 1;
const noiseStream = 2;
const heldOutStream = 3;
const firstStepStream = 16;

/** The bytes of the prior's file. Throws AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function trainDiffusion(options: DiffusionTraining): Promise<Uint8Array> {
  const { set, networkId, seed = 0, schedule = 'edm', threads, trainingSteps = 12_000, batch = 64 } = options;
  const layout = tokenLayout(set.layout);
  const { tokens, slots } = layout;
  const { size, weights, standard, before, sampling } =
    options.from === undefined ? freshStart(options, layout) : startFrom(options.from, options);
  const { width, blocks, heads, activation, labels, tokenLevels } = size;
  const rate = options.rate ?? (before === undefined ? freshRate : laterRate);
  const recipe = {
    ...{
      width,
      blocks,
      heads,
      activation,
      schedule,
      trainingSteps,
      batch,
      rate,
      seed,
      averageDecay,
      labelDropout,
    },
    ...(tokenLevels ? { levels: levelsOfTokens, partlyKnown, partLabelDropout, knownWeight } : {}),
    ...(options.noise === undefined ? {} : { noise: options.noise.join() }),
    ...before,
  };
  const values = toTokens(layout, standardised(standard, set.modulations));
  const { net, backend } = await openNet(size, weights, threads);
  options.onBackend?.(backend);
  const noise = new NoiseBank(seed, noiseStream, (rng) => rng.normal());
  const row = tokens * slots;
  const used = usedPlaces(layout);

  /** Noisy items and what the network should make of them. */
  const drawBatch = (from: TrainingSet, all: Float32Array, count: number, dropout: number, rng: Rng) => {
    const input = new Float32Array(count * row);
    const target = new Float32Array(count * row);
    const level = new Float32Array(count * levelNumbers);
    const levels = new Float32Array(tokenLevels ? count * tokens * levelNumbers : 0);
    const marks = new Float32Array(count * Math.max(1, labels));
    /** Of each number in the loss. */
    const shares = new Float32Array(count * row).fill(1);
    const fresh = new Float32Array(row);
    for (let b = 0; b < count; b++) {
      const item = rng.below(from.count);
      const shared = trainingSigma(schedule, rng.normal(), rng.uniform(), options.noise);
      const part = tokenLevels && rng.uniform() < partlyKnown ? drawPart(layout.cells, rng) : undefined;
      const sigmas: Levels = part?.levels ?? shared;
      noise.fill(fresh, rng);
      for (let t = 0; t < tokens; t++) {
        const sigma = levelOf(sigmas, t);
        const { skip, out, in: scale } = preconditioning(sigma);
        for (let i = t * slots; i < (t + 1) * slots; i++) {
          const clean = all[item * row + i]!;
          const noisy = clean + sigma * fresh[i]! * used[i]!;
          input[b * row + i] = scale * noisy;
          target[b * row + i] = (clean - skip * noisy) / out;
          if (part?.known[t] === 1) shares[b * row + i] = knownWeight;
        }
      }
      level.set(levelFeatures(highestOf(sigmas)), b * levelNumbers);
      if (tokenLevels) {
        const size = tokens * levelNumbers;
        tokenFeatures(sigmas, levels.subarray(b * size, (b + 1) * size));
      }
      const label = from.labels[from.labelOf[item]!];
      const column =
        label === undefined ? -1 : set.labels.findIndex((own) => labelText(own) === labelText(label));
      const unlabelled = part === undefined ? dropout : partLabelDropout;
      if (rng.uniform() >= unlabelled && column >= 0) marks[b * labels + column] = 1;
    }
    const given: DenoiserInput = { count, x: input, level, levels, label: marks };
    return { given, target, shares };
  };
  // Places that no number falls on have no loss.
  const perNumber = row / layout.length;
  const lossOf = (
    found: Float32Array,
    { target, shares }: { target: Float32Array; shares: Float32Array },
  ) => {
    let squares = 0;
    for (let i = 0; i < found.length; i++) squares += shares[i]! * (found[i]! - target[i]!) ** 2;
    return (squares / found.length) * perNumber;
  };
  const step = (index: number) => {
    const drawn = drawBatch(set, values, batch, labelDropout, new Rng(seed, firstStepStream + index));
    const { target, shares } = drawn;
    let loss = 0;
    const gradients = net.pullToWeights(drawn.given, (found) => {
      loss = lossOf(found, drawn);
      const slope = 2 / found.length;
      return found.map((value, i) => slope * shares[i]! * (value - target[i]!));
    });
    return { loss, gradients };
  };
  const { heldOut } = options;
  const heldOutValues = heldOut && toTokens(layout, standardised(standard, heldOut.modulations));
  /** With the weights as they are. */
  const heldOutLoss = (held: TrainingSet, all: Float32Array) => {
    const rng = new Rng(seed, heldOutStream);
    let sum = 0;
    for (let i = 0; i < heldOutBatches; i++) {
      const drawn = drawBatch(held, all, batch, 0, rng);
      sum += lossOf(net.predict(drawn.given), drawn);
    }
    return sum / heldOutBatches;
  };
  try {
    const trained = await runArrays({
      weights,
      refresh: () => net.refresh(),
      trainingSteps,
      rate,
      averageDecay,
      digest: runDigest(['diffusion', networkId, recipe, set.count, set.labels]),
      step,
      ...(heldOut === undefined
        ? {}
        : { heldOut: { every: judgedSteps, loss: () => heldOutLoss(heldOut, heldOutValues!) } }),
      checkpoint: options.checkpoint,
      onEvent: options.onEvent,
      signal: options.signal,
    });
    const card: GenerativeCard = {
      kind: 'diffusion',
      networkId,
      levels: gridsOf(set.layout),
      labels: set.labels,
      recipe: { ...recipe, data: options.data, items: set.count },
      figures: trained.figures,
      ...(sampling === undefined ? {} : { sampling }),
    };
    const tensors = halves(denoiserShapes(size).keys(), trained.weights);
    return writePriorFile(card, new Map([...tensors, ...standardTensors(standard)]));
  } finally {
    net.dispose();
  }
}

interface Start {
  readonly size: DenoiserSize;
  readonly weights: Float32Array[];
  readonly standard: ModulationStandard;
  /** Of what came before, for the card. */
  readonly before?: { readonly stepsBefore: number; readonly from: string };
  readonly sampling?: Sampling | undefined;
}

function freshStart(options: DiffusionTraining, { tokens, slots }: TokenLayout): Start {
  const { set, seed = 0, width = 128, blocks = 5, heads = 4, activation = 'gelu' } = options;
  if (width % heads !== 0) {
    throw new BadInputError('prior-training', `${heads} heads do not divide a width of ${width}`);
  }
  const tokenLevels = options.tokenLevels === true && tokens > 1;
  const labels = set.labels.length;
  const size: DenoiserSize = { tokens, slots, width, blocks, heads, labels, activation, tokenLevels };
  return {
    size,
    weights: startWeights(size, new Rng(seed, startStream)),
    standard: standardOf(set, options.steps),
  };
}

/** Throws what `readPriorFile` throws, BadInputError `prior-training` where the labels are others. */
function startFrom(bytes: Uint8Array, { set, networkId, tokenLevels = true }: DiffusionTraining): Start {
  const file = readPriorFile(bytes, 'diffusion', { networkId });
  const { card } = file;
  if (card.labels.map(labelText).join() !== set.labels.map(labelText).join()) {
    throw new BadInputError(
      'prior-training',
      `the diffusion to go on from knows other labels (${card.labels.join(', ')}) than the data (${set.labels.join(', ')})`,
    );
  }
  const { size: own, weights, standard } = diffusionParts(file);
  const size = { ...own, tokenLevels: own.tokenLevels || (tokenLevels && own.tokens > 1) };
  const known = new Map([...denoiserShapes(own).keys()].map((name, i) => [name, weights[i]!]));
  const before = Number(card.recipe.stepsBefore ?? 0) + Number(card.recipe.trainingSteps ?? 0);
  return {
    size,
    weights: [...denoiserShapes(size)].map(([name, shape]) => known.get(name) ?? zeros(shape)),
    standard,
    before: { stepsBefore: before, from: sha256Hex(bytes).slice(0, 16) },
    sampling: card.sampling,
  };
}

function zeros(shape: readonly number[]): Float32Array {
  return new Float32Array(elementCount(shape));
}

/** [tokens * slots]: 1 where a number of the modulation goes. */
function usedPlaces({ tokens, slots, places }: TokenLayout): Float32Array {
  const used = new Float32Array(tokens * slots);
  for (const place of places) used[place] = 1;
  return used;
}
