/**
 * The file of an encoder: what predicts the modulation of a signal from its samples, for one network. A part is a linear map for a block of samples: from
 * the samples in it and around it to the cells of those levels that stand in the block (src/fit/predict.ts).
 */
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { type Tensor, takeTensor, tensor } from '../core/tensor.ts';
import { canonicalJson } from './canonical.ts';
import type { Model } from './model.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { type FieldSpec, pointCount } from './spec.ts';

/** What a part reads and what it gives: a matter of the specification of the field alone. */
export interface EncoderShape {
  /** Samples of a block along each axis: whole cells of its levels. */
  readonly block: readonly number[];
  /** Samples along each axis whose mean is one input. */
  readonly pool: readonly number[];
  /** Inputs along each axis: a block, and half of one on both of its sides. */
  readonly window: readonly number[];
  /** Levels that stand in the block, by index. */
  readonly levels: readonly number[];
  /** Those of all channels in a window, and 1. */
  readonly inputs: number;
  /** Numbers of the cells in a block: level by level, cell by cell (row-major), channel by channel. */
  readonly outputs: number;
}

export interface EncoderPart extends EncoderShape {
  /** [2, inputs, outputs]: the map at quality 50, and what it changes by in an octave of the steps. */
  readonly weights: Float32Array;
}

export interface EncoderCard {
  /** Whose modulations it predicts. */
  readonly networkId: string;
  readonly model: string;
  /** Lowest and highest quality that was learnt; beyond them the maps stay as they are there. */
  readonly qualities: readonly [lowest: number, highest: number];
  /** What it was learnt from. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly figures: Readonly<Record<string, number>>;
}

export interface Encoder {
  readonly card: EncoderCard;
  readonly parts: readonly EncoderPart[];
}

const format = 'functa-encoder/1';

/** Least samples of a block along an axis, by the number of axes: that many inputs tell what the cells in it are. */
const leastBlock: Readonly<Record<number, number>> = { 1: 64, 2: 8, 3: 4 };

/**
 * The parts of an encoder of such fields: levels of like cells share one. Throws BadInputError `encoder-field` where a cell is the whole signal or
 * not of whole samples, or the last axis is a circle: these have today's start, zero.
 */
export function encoderShapes({ axes, outputs, levels, wraps = false }: FieldSpec): EncoderShape[] {
  const least = leastBlock[axes];
  if (wraps || least === undefined || levels.length === 0 || !levels.every(({ cell }) => isWhole(cell)))
    throw new BadInputError(
      'encoder-field',
      'an encoder predicts cells of whole samples; this field has a cell for the whole signal, parts of samples, a circle or more than three axes',
    );
  const parts = new Map<string, { block: number[]; levels: number[] }>();
  levels.forEach(({ cell }, k) => {
    const block = cell!.map((size) => size * Math.max(1, Math.round(least / size)));
    const known = parts.get(block.join()) ?? { block, levels: [] };
    known.levels.push(k);
    parts.set(block.join(), known);
  });
  return [...parts.values()].map(({ block, levels: own }) => {
    const pool = block.map((size) => poolOf(size, least));
    const window = block.map((size, axis) => (2 * size) / pool[axis]!);
    const numbers = own.map((k) => {
      const { cell, channels } = levels[k]!;
      return pointCount(block.map((size, axis) => size / cell![axis]!)) * channels;
    });
    return {
      ...{ block, pool, window, levels: own, inputs: pointCount(window) * outputs + 1 },
      outputs: numbers.reduce((sum, n) => sum + n, 0),
    };
  });
}

function isWhole(cell: readonly number[] | null): boolean {
  return cell?.every((size) => Number.isInteger(size) && size >= 1) === true;
}

/** The most samples that a half of the block is whole runs of, and that leave as many inputs as the least block has. */
function poolOf(block: number, least: number): number {
  let pool = Math.max(1, Math.floor(block / least));
  while (pool > 1 && (block / pool) % 2 !== 0) pool--;
  return pool;
}

export function writeEncoder({ card, parts }: Encoder): Uint8Array {
  const tensors = new Map<string, Tensor>();
  parts.forEach(({ weights, inputs, outputs }, i) => {
    tensors.set(`map${i}`, tensor(weights, [2, inputs, outputs]));
  });
  return writeSafetensors(tensors, { format, card: canonicalJson(card) });
}

/**
 * The encoder of a model's network. Throws BadStreamError `encoder-format` (not one, or damaged), BadInputError `encoder-network` (that of another
 * network), and what `readSafetensors` throws.
 */
export function readEncoder(
  bytes: Uint8Array,
  { card: { name, spec }, networkId }: Pick<Model, 'card' | 'networkId'>,
  limits: Limits = defaultLimits,
): Encoder {
  const { tensors, metadata } = readSafetensors(bytes, limits);
  if (metadata.format !== format)
    throw new BadStreamError('encoder-format', 8, `not an encoder: its format is not "${format}"`);
  const card = cardOf(metadata.card);
  if (card.networkId !== networkId)
    throw new BadInputError(
      'encoder-network',
      `the encoder is that of ${card.model} (network ${card.networkId.slice(0, 16)}), not of ${name} (${networkId.slice(0, 16)}); remove it, then make one by functa encoder learn`,
    );
  try {
    const parts = encoderShapes(spec).map((shape, i) => {
      const weights = takeTensor(tensors, `map${i}`, 'F32', 2 * shape.inputs * shape.outputs);
      if (!weights.every(Number.isFinite)) throw new TypeError(`map${i} is not finite`);
      return { ...shape, weights };
    });
    return { card, parts };
  } catch (error) {
    throw damaged((error as Error).message);
  }
}

function cardOf(text: string | undefined): EncoderCard {
  let card: Partial<EncoderCard> | null;
  try {
    card = JSON.parse(text ?? '');
  } catch {
    throw damaged('its card is no JSON');
  }
  const { networkId, model, qualities } = card ?? {};
  const [lowest, highest] = Array.isArray(qualities) ? qualities : [];
  if (typeof networkId !== 'string' || typeof model !== 'string' || !(Number(lowest) <= Number(highest)))
    throw damaged('its card names no network or no qualities');
  return card as EncoderCard;
}

function damaged(why: string): BadStreamError {
  return new BadStreamError('encoder-format', 8, `the encoder cannot be used: ${why}`);
}
