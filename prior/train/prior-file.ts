/**
 * The file of a generative prior: a safetensors container with its card as the metadata `card`, weights as halves (U16) or
 * floats. It stands beside the model file and belongs to that model's network.
 */
import { BadInputError, BadStreamError, ConflictError } from '../../src/core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../../src/core/limits.ts';
import { type Tensor, takeTensor, tensor } from '../../src/core/tensor.ts';
import { canonicalJson } from '../../src/field/canonical.ts';
import { type LevelGrid, layoutOfGrids, type ModulationLayout } from '../../src/field/layout.ts';
import { readSafetensors, writeSafetensors } from '../../src/field/safetensors.ts';
import type { distilledName, GenerativeKind } from '../kinds.ts';
import { fromHalf, toHalf } from './half.ts';
import type { Label, ModulationStandard } from './standard.ts';

/** What a file with such a card may be. */
export type CardKind = GenerativeKind | typeof distilledName;

export interface GenerativeCard {
  readonly kind: CardKind;
  /** Of the network whose modulations these are. */
  readonly networkId: string;
  readonly levels: readonly LevelGrid[];
  /** What may be asked for; empty: a prior without labels. */
  readonly labels: readonly Label[];
  /** What made it: data, sizes, steps, seed. */
  readonly recipe: Readonly<Record<string, string | number>>;
  /** What it reached on modulations that were held out, the unit in the name. */
  readonly figures: Readonly<Record<string, number>>;
  /** What draws take where nothing is asked, chosen on what was held out; absent: nothing was chosen. */
  readonly sampling?: Sampling | undefined;
  /** Of a distilled network alone. */
  readonly few?: FewSteps | undefined;
}

/** What a distilled network draws in few steps. */
export interface FewSteps {
  /** Towards a label, as its teacher was drawn from. */
  readonly guidance: number;
  /** For each number of steps that was learnt the noise levels that are gone through, falling, the last one 0. */
  readonly ways: readonly (readonly number[])[];
}

export interface Sampling {
  /** Towards a label, where one is asked. */
  readonly guidance?: number | undefined;
  readonly steps?: number | undefined;
}

export interface GenerativeFile {
  readonly card: GenerativeCard;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const format = 'functa-prior/1';

export function writePriorFile(card: GenerativeCard, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  return writeSafetensors(tensors, { format, card: canonicalJson(card) });
}

/**
 * Throws what `readSafetensors` throws, BadStreamError `prior-format` for a file of another kind, ConflictError
 * `prior-network` when it belongs to another network than `networkId`.
 */
export function readPriorFile(
  bytes: Uint8Array,
  kind: CardKind,
  { networkId, limits = defaultLimits }: { networkId?: string | undefined; limits?: Limits | undefined } = {},
): GenerativeFile {
  const { tensors, metadata } = readSafetensors(bytes, limits);
  const card = parse(metadata.card);
  if (metadata.format !== format || card?.kind !== kind) {
    throw new BadStreamError('prior-format', 8, `not the file of a ${kind} prior`);
  }
  if (networkId !== undefined && card.networkId !== networkId) {
    throw new ConflictError(
      'prior-network',
      `the ${kind} prior is of network ${card.networkId.slice(0, 16)}, not of ${networkId.slice(0, 16)}; train one for this model`,
    );
  }
  for (const [name, { dtype, data }] of tensors) {
    if (dtype === 'F32' && data.some((value) => !Number.isFinite(value))) {
      throw new BadStreamError('prior-format', 8, `${name} holds a number that is not finite`);
    }
  }
  return { card, tensors };
}

/** Weights under their names, as halves. */
export function halves(names: Iterable<string>, weights: readonly Float32Array[]): Map<string, Tensor> {
  return new Map([...names].map((name, i) => [name, tensor(toHalf(weights[i]!))]));
}

/** Weights by name and number of elements. Throws BadStreamError `prior-format`. */
export function takeHalves({ tensors }: GenerativeFile, sizes: ReadonlyMap<string, number>): Float32Array[] {
  return [...sizes].map(([name, count]) => take(() => fromHalf(takeTensor(tensors, name, 'U16', count))));
}

/** Floats by name and number. Throws BadStreamError `prior-format`. */
export function takeFloats({ tensors }: GenerativeFile, name: string, length: number): Float32Array {
  return take(() => takeTensor(tensors, name, 'F32', length));
}

/** The modulations that a card speaks of. Throws LimitError `limit-symbols` beyond `most` numbers. */
export function layoutOf({ levels }: GenerativeCard, most = 2 ** 20): ModulationLayout {
  const layout = layoutOfGrids(levels);
  checkLimit('symbols', layout.length, most, 'this is not a prior of ours');
  return layout;
}

/** A whole number of a card's recipe. Throws BadStreamError `prior-format` unless it is from `least` to `most`. */
export function wholeOf({ recipe }: GenerativeCard, name: string, least: number, most: number): number {
  const value = recipe[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new BadStreamError('prior-format', 8, `recipe.${name} is not from ${least} to ${most}`);
}

/** Throws BadInputError `modulation` unless `numbers` are modulations of `m` numbers each, one at least. */
export function checkModulationNumbers({ length }: Float32Array, m: number): void {
  if (length > 0 && length % m === 0) return;
  throw new BadInputError('modulation', `modulations of ${m} numbers each are needed, not ${length} numbers`);
}

export function standardTensors({ mean, scale }: ModulationStandard): Map<string, Tensor> {
  return new Map([
    ['mean', tensor(mean)],
    ['scale', tensor(scale)],
  ]);
}

export function takeStandard(file: GenerativeFile, length: number): ModulationStandard {
  const scale = takeFloats(file, 'scale', length);
  if (scale.some((value) => value <= 0))
    throw new BadStreamError('prior-format', 8, 'a scale is not above 0');
  return { mean: takeFloats(file, 'mean', length), scale };
}

function take<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    throw new BadStreamError('prior-format', 8, error.message);
  }
}

function parse(text: string | undefined): GenerativeCard | undefined {
  try {
    const card = JSON.parse(text ?? '') as Partial<GenerativeCard>;
    const fits =
      typeof card.networkId === 'string' &&
      Array.isArray(card.labels) &&
      card.labels.every((label) => typeof label === 'string' || typeof label === 'number') &&
      Array.isArray(card.levels) &&
      card.levels.every(isLevel) &&
      typeof card.recipe === 'object' &&
      card.recipe !== null;
    return fits ? (card as GenerativeCard) : undefined;
  } catch {
    return undefined;
  }
}

function isLevel(level: Partial<LevelGrid> | null): boolean {
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 1 && (n as number) < 2 ** 20;
  return (
    Array.isArray(level?.cells) &&
    level.cells.every(whole) &&
    whole(level.channels) &&
    (level.cell === null || (Array.isArray(level.cell) && level.cell.every(whole)))
  );
}
