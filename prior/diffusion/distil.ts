/**
 * Distils a diffusion: a network of the same layers, which starts as the diffusion, learns to go in few steps where the diffusion's
 * deterministic sampler goes in many (E. Luhman and T. Luhman, arXiv 2101.02388, for one step; several steps cut the same path into
 * legs, as in T. Salimans and J. Ho, arXiv 2202.00512). Paths are drawn once, with guidance; no data are needed. See docs/adr/0081.
 */
import { BadInputError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import { elementCount } from '../../src/core/tensor.ts';
import { distilledName } from '../kinds.ts';
import { runArrays } from '../train/array-loop.ts';
import { type CheckpointPlace, runDigest } from '../train/checkpoint.ts';
import {
  type FewSteps,
  type GenerativeCard,
  halves,
  readPriorFile,
  standardTensors,
  writePriorFile,
} from '../train/prior-file.ts';
import type { RunEvent } from '../train/run.ts';
import { checkGuidance } from './denoise.ts';
import { mostFewSteps, mostWays } from './few.ts';
import { diffusionParts, weightsDigest } from './file.ts';
import { type DenoiserSize, denoiserShapes } from './net.ts';
import { openNet } from './open-net.ts';
import { type Choice, drawPaths } from './paths.ts';
import { group } from './sampler.ts';
import { sigmasOf } from './schedule.ts';

export interface Distillation {
  /** The bytes of the diffusion's file. */
  readonly teacher: Uint8Array;
  readonly networkId: string;
  /** Numbers of steps that are learnt; default 1 and 2. */
  readonly to?: readonly number[] | undefined;
  /** Of the teacher towards labels; default what its card says, else 1. */
  readonly guidance?: number | undefined;
  /** Steps of the teacher; default what its card says, else 18. */
  readonly teacherSteps?: number | undefined;
  /** Samples of the teacher whose paths are drawn; a sixteenth, at most 512, is held out. Default 16,384. */
  readonly paths?: number | undefined;
  readonly trainingSteps?: number | undefined;
  readonly batch?: number | undefined;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  readonly checkpoint?: CheckpointPlace | undefined;
  /** Told what computes. */
  readonly onBackend?: ((backend: string) => void) | undefined;
  /** Told how many paths were drawn. */
  readonly onPaths?: ((done: number, total: number) => void) | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const averageDecay = 0.9995;
const mostHeldOut = 512;
/** Steps between two looks at what is held out. */
const judgedSteps = 1000;
/** The stream of random numbers of the first training step. */
const firstStepStream = 16;

/**
 * The bytes of the distilled network's file. Paths are drawn again where a run goes on. Throws BadInputError `prior-training`, `guidance` or
 * `sample-steps`, what `readPriorFile` throws, and AbortedError when told to stop, after saving a checkpoint if there is a place for one.
 */
export async function distilDiffusion(options: Distillation): Promise<Uint8Array> {
  const { teacher, networkId, seed = 0, threads, trainingSteps = 8000, batch = 64, rate = 5e-4 } = options;
  const { to = [1, 2], paths: asked = 16_384, signal, onPaths } = options;
  const file = readPriorFile(teacher, 'diffusion', { networkId });
  const { card: own } = file;
  const parts = diffusionParts(file);
  const { standard, sampling } = parts;
  const guidance = options.guidance ?? sampling.guidance ?? 1;
  checkGuidance(guidance);
  const sigmas = sigmasOf('edm', options.teacherSteps ?? sampling.steps ?? 18);
  const ways = waysOf(to, sigmas.length - 1);
  const count = checkPaths(asked);
  const few: FewSteps = { guidance, ways: ways.map((way) => way.map((level) => sigmas[level]!)) };
  const { width, blocks, heads, activation } = parts.size;
  const recipe = {
    ...{ width, blocks, heads, activation, trainingSteps, batch, rate, seed, averageDecay },
    ...{ teacherSteps: sigmas.length - 1, paths: count, from: weightsDigest(parts) },
    ...(own.recipe.levels === undefined ? {} : { levels: own.recipe.levels }),
  };

  const paths = await drawPaths(parts, own.labels, {
    ...{ count, guidance, sigmas, ways, seed, threads, onPaths, signal },
  });
  const heldOut = Math.min(mostHeldOut, Math.floor(count / group / 16) * group);
  const learnt = count - heldOut;
  const size: DenoiserSize = { ...parts.size, labels: own.labels.length + ways.length };
  const weights = studentWeights(parts.size, parts.weights, size);
  const { net, backend } = await openNet(size, weights, threads);
  options.onBackend?.(backend);
  // Places that no number falls on have no loss.
  const perNumber = (parts.tokens.tokens * parts.tokens.slots) / parts.tokens.length;
  const lossOf = (found: Float32Array, target: Float32Array) => {
    let squares = 0;
    for (let i = 0; i < found.length; i++) squares += (found[i]! - target[i]!) ** 2;
    return (squares / found.length) * perNumber;
  };
  const step = (index: number) => {
    const rng = new Rng(seed, firstStepStream + index);
    const { input, target } = paths.at(
      size,
      Array.from({ length: batch }, () => ({ path: rng.below(learnt), leg: rng.below(paths.legs.length) })),
    );
    let loss = 0;
    const gradients = net.pullToWeights(input, (found) => {
      loss = lossOf(found, target);
      const slope = 2 / found.length;
      return found.map((value, i) => slope * (value - target[i]!));
    });
    return { loss, gradients };
  };
  const heldOutLoss = () => {
    let sum = 0;
    for (let path = learnt; path < count; path += group) {
      const all = Array.from({ length: group }, (_, i): Choice => {
        return { path: path + i, leg: (path + i) % paths.legs.length };
      });
      const { input, target } = paths.at(size, all);
      sum += lossOf(net.predict(input), target) * group;
    }
    return sum / heldOut;
  };

  try {
    const trained = await runArrays({
      weights,
      refresh: () => net.refresh(),
      trainingSteps,
      rate,
      averageDecay,
      digest: runDigest([distilledName, networkId, recipe, few]),
      step,
      ...(heldOut === 0 ? {} : { heldOut: { every: judgedSteps, loss: heldOutLoss } }),
      checkpoint: options.checkpoint,
      onEvent: options.onEvent,
      signal,
    });
    const { levels, labels } = own;
    const { figures } = trained;
    const card: GenerativeCard = { kind: distilledName, networkId, levels, labels, recipe, figures, few };
    const tensors = halves(denoiserShapes(size).keys(), trained.weights);
    return writePriorFile(card, new Map([...tensors, ...standardTensors(standard)]));
  } finally {
    net.dispose();
  }
}

/** Levels of the teacher at which each number of steps stops, evenly spread. Throws BadInputError `prior-training`. */
function waysOf(to: readonly number[], teacherSteps: number): number[][] {
  const most = Math.min(mostFewSteps, teacherSteps);
  const fit =
    to.length >= 1 &&
    to.length <= mostWays &&
    new Set(to).size === to.length &&
    to.every((n) => Number.isSafeInteger(n) && n >= 1 && n <= most);
  if (!fit) {
    throw new BadInputError(
      'prior-training',
      `steps to learn are up to ${mostWays} different whole numbers from 1 to ${most}, not ${to.join(', ') || 'none'}`,
    );
  }
  return to.map((n) => Array.from({ length: n + 1 }, (_, i) => Math.round((i * teacherSteps) / n)));
}

/** Whole groups. Throws BadInputError `prior-training`. */
function checkPaths(paths: number): number {
  if (!Number.isSafeInteger(paths) || paths < group || paths > 2 ** 20) {
    throw new BadInputError('prior-training', `${group} to ${2 ** 20} paths can be learnt, not ${paths}`);
  }
  return paths - (paths % group);
}

/** The teacher's, with zeros for what tells ways apart: the student begins as the teacher. */
function studentWeights(
  teacher: DenoiserSize,
  weights: readonly Float32Array[],
  size: DenoiserSize,
): Float32Array[] {
  const known = new Map([...denoiserShapes(teacher).keys()].map((name, i) => [name, weights[i]!]));
  return [...denoiserShapes(size)].map(([name, shape]) => {
    const values = new Float32Array(elementCount(shape));
    values.set(known.get(name) ?? []);
    return values;
  });
}
