/**
 * Draws in few steps, by a network that learnt them from a diffusion (distil.ts, docs/adr/0081). It has the diffusion's layers; the number
 * of steps is told it as a label beside the label. At each noise level it says the clean value towards which one step of first order
 * ends where its teacher ends.
 */
import { BadInputError, BadStreamError } from '../../src/core/errors.ts';
import { distilledName } from '../kinds.ts';
import { type FewSteps, type GenerativeCard, layoutOf, readPriorFile } from '../train/prior-file.ts';
import { unstandardised } from '../train/standard.ts';
import { fromTokens, toTokens } from '../train/tokens.ts';
import { labelIndex } from './denoise.ts';
import { diffusionParts } from './file.ts';
import type { OpenDiffusionOptions } from './index.ts';
import { tokenFeatures } from './levels.ts';
import { type DenoiserInput, type DenoiserSize, levelFeatures, levelNumbers } from './net.ts';
import { openNet } from './open-net.ts';
import { checkCount, descend, type SamplerOptions } from './sampler.ts';
import { preconditioning } from './schedule.ts';

/** Numbers of steps that one network may learn, and what each may be: above that the diffusion itself does well. */
export const mostWays = 4;
export const mostFewSteps = 8;

/** What the network is asked of one item. */
export interface FewItem {
  /** Its noise level. */
  readonly sigma: number;
  /** Column of its label; undefined: none. */
  readonly label: number | undefined;
  /** Index of the way that it goes. */
  readonly way: number;
}

export interface Distilled {
  readonly card: GenerativeCard;
  readonly few: FewSteps;
  /** Modulations, [m] each, in one of the numbers of steps that it learnt. Throws BadInputError `bad-count`, `distilled`, what `labelIndex` throws, AbortedError. */
  sample(steps: number, options: SamplerOptions): Promise<Float32Array[]>;
  dispose(): void;
}

export interface OpenDistilledOptions extends Omit<OpenDiffusionOptions, 'distilled'> {
  /** Digest of the weights of the diffusion that it must have learnt from; absent: any. */
  readonly teacher?: string | undefined;
}

/**
 * Opens the bytes of a `distilled.safetensors`. Throws BadInputError `distilled` where it was learnt from another diffusion, and what
 * `readPriorFile` and `openNet` throw.
 */
export async function openDistilled(
  bytes: Uint8Array,
  { threads, teacher, ...options }: OpenDistilledOptions = {},
): Promise<Distilled> {
  const file = readPriorFile(bytes, distilledName, options);
  const { card } = file;
  if (teacher !== undefined && card.recipe.from !== teacher) {
    throw new BadInputError(
      'distilled',
      'the distilled network beside this diffusion was learnt from another one; make it again by: functa prior distil, or take more steps',
    );
  }
  const few = fewStepsOf(card.few);
  const { length } = layoutOf(card);
  const { tokens: layout, size, weights, standard } = diffusionParts(file, few.ways.length);
  const { net } = await openNet(size, weights, threads);
  return {
    card,
    few,
    async sample(steps, options) {
      const way = few.ways.findIndex((levels) => stepsOfWay(levels) === steps);
      if (way < 0) throw new BadInputError('distilled', `${steps} steps were not learnt`);
      checkCount(options.count);
      checkAsked(few, steps, options);
      const label = labelIndex(card.labels, options.label);
      const { count, seed, signal } = options;
      const drawn = await descend(
        { count, length, seed, sigmas: few.ways[way]!, signal },
        () => (x, from, to) => {
          const items = Array.from({ length: x.length / length }, () => ({ sigma: from, label, way }));
          const given = toTokens(layout, x);
          const { skip, out } = preconditioning(from);
          const found = net.predict(fewInput(size, card.labels.length, given, items));
          const clean = fromTokens(
            layout,
            given.map((value, i) => skip * value + out * found[i]!),
          );
          const kept = to / from;
          return x.map((value, i) => kept * value + (1 - kept) * clean[i]!);
        },
      );
      return drawn.map((z) => unstandardised(standard, z));
    },
    dispose: () => net.dispose(),
  };
}

export function stepsOfWay(levels: readonly number[]): number {
  return levels.length - 1;
}

/** `noisy` [items, tokens, slots] with what the network is told of each item; ways stand behind the labels. */
export function fewInput(
  { tokens, slots, tokenLevels, labels: columns }: DenoiserSize,
  labels: number,
  noisy: Float32Array,
  items: readonly FewItem[],
): DenoiserInput {
  const count = items.length;
  const row = tokens * slots;
  const x = new Float32Array(noisy.length);
  const level = new Float32Array(count * levelNumbers);
  const levels = new Float32Array(tokenLevels ? count * tokens * levelNumbers : 0);
  const label = new Float32Array(count * columns);
  items.forEach((item, b) => {
    const scale = preconditioning(item.sigma).in;
    for (let i = b * row; i < (b + 1) * row; i++) x[i] = scale * noisy[i]!;
    level.set(levelFeatures(item.sigma), b * levelNumbers);
    const own = tokens * levelNumbers;
    if (tokenLevels) tokenFeatures(item.sigma, levels.subarray(b * own, (b + 1) * own));
    if (item.label !== undefined) label[b * columns + item.label] = 1;
    label[b * columns + labels + item.way] = 1;
  });
  return { count, x, level, levels, label };
}

/** Throws BadInputError `distilled` where something else is asked than what was learnt. */
function checkAsked(
  few: FewSteps,
  steps: number,
  { label, guidance, temperature = 1 }: SamplerOptions,
): void {
  const refuse = (what: string) => {
    throw new BadInputError(
      'distilled',
      `${steps} steps of this model are drawn by a distilled network, ${what}; leave it out, or take more steps`,
    );
  };
  if (label !== undefined && guidance !== undefined && guidance !== few.guidance) {
    refuse(`which learnt guidance ${few.guidance} and no other`);
  }
  if (temperature !== 1) refuse('which takes no temperature');
}

/** Of a card that was read. Throws BadStreamError `prior-format`. */
function fewStepsOf(few: unknown): FewSteps {
  const { guidance, ways } = (few ?? {}) as Partial<FewSteps>;
  const fits =
    typeof guidance === 'number' &&
    Array.isArray(ways) &&
    ways.length >= 1 &&
    ways.length <= mostWays &&
    ways.every(isWay) &&
    new Set(ways.map(stepsOfWay)).size === ways.length;
  if (!fits) throw new BadStreamError('prior-format', 8, 'its card does not say which steps were learnt');
  return { guidance, ways };
}

function isWay(levels: unknown): boolean {
  return (
    Array.isArray(levels) &&
    levels.length >= 2 &&
    levels.length <= mostFewSteps + 1 &&
    levels.every((level, i) => Number.isFinite(level) && (i === 0 || level < levels[i - 1])) &&
    levels.at(-1) === 0
  );
}
