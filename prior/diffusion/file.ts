/** What the file of a diffusion holds: the size of its network, weights, and the units of its modulations. */
import { BadStreamError } from '../../src/core/errors.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { elementCount } from '../../src/core/tensor.ts';
import {
  type GenerativeCard,
  type GenerativeFile,
  layoutOf,
  type Sampling,
  takeHalves,
  takeStandard,
  wholeOf,
} from '../train/prior-file.ts';
import type { ModulationStandard } from '../train/standard.ts';
import { type TokenLayout, tokenLayout } from '../train/tokens.ts';
import { type Activation, activations, type DenoiserSize, denoiserShapes } from './net.ts';
import { samplingOf } from './sampling.ts';

export interface DiffusionParts {
  readonly tokens: TokenLayout;
  readonly size: DenoiserSize;
  /** In the order of `denoiserShapes`. */
  readonly weights: readonly Float32Array[];
  readonly standard: ModulationStandard;
  readonly sampling: Sampling;
}

/** What a recipe says of a network whose tokens have levels of their own; files without it know one level an item. */
export const levelsOfTokens = 'tokens';

/** `ways` of a distilled network are labels, too. Throws BadStreamError `prior-format`, LimitError. */
export function diffusionParts(file: GenerativeFile, ways = 0): DiffusionParts {
  const { card } = file;
  const layout = layoutOf(card);
  const tokens = tokenLayout(layout);
  const size: DenoiserSize = {
    tokens: tokens.tokens,
    slots: tokens.slots,
    width: wholeOf(card, 'width', 1, 4096),
    blocks: wholeOf(card, 'blocks', 1, 64),
    heads: wholeOf(card, 'heads', 1, 64),
    labels: card.labels.length + ways,
    activation: activationOf(card),
    tokenLevels: card.recipe.levels === levelsOfTokens,
  };
  if (size.width % size.heads !== 0) throw new BadStreamError('prior-format', 8, 'heads do not divide width');
  const sizes = [...denoiserShapes(size)].map(([name, shape]) => [name, elementCount(shape)] as const);
  const weights = takeHalves(file, new Map(sizes));
  const standard = takeStandard(file, layout.length);
  return { tokens, size, weights, standard, sampling: samplingOf(card.sampling) };
}

/** Of a diffusion's weights, whatever its card says beside them: which of two it is that a distilled network learnt from. */
export function weightsDigest({ weights }: Pick<DiffusionParts, 'weights'>): string {
  const all = new Float32Array(weights.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of weights) {
    all.set(values, at);
    at += values.length;
  }
  return sha256Hex(new Uint8Array(all.buffer)).slice(0, 16);
}

function activationOf({ recipe }: GenerativeCard): Activation {
  const named = recipe.activation ?? 'relu';
  const known = activations.find((name) => name === named);
  if (known === undefined) throw new BadStreamError('prior-format', 8, 'recipe.activation is not known');
  return known;
}
