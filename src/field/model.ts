/**
 * The model file: a safetensors container with the card as its metadata `card`, the base network as `field.weights`,
 * `field.rates` and `field.steps`, how those change with quality (at-quality.ts) if they do, and whatever priors it carries as
 * `prior.<kind>.<name>`.
 */

import { ByteWriter } from '../core/bytes.ts';
import { anObject, byteArray, check, partsOfModel } from '../core/check.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { type Tensor, takeTensor, tensor } from '../core/tensor.ts';
import { type QualitySlopes, slopeTensors, takeSlopes } from './at-quality.ts';
import { canonicalJson } from './canonical.ts';
import { type CardFormat, cardJson, type ModelCard, parseCard } from './card.ts';
import type { Encoder } from './encoder.ts';
import { type Output, sharedRange } from './outputs.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { type BaseNetwork, type FieldSpec, ratesLength, totalChannels, weightLayout } from './spec.ts';

export interface Model {
  /** SHA-256 of the file, hex. */
  readonly id: string;
  /** SHA-256 of what decides a field's values: spec, value range, weights and rates; the same with and without priors. */
  readonly networkId: string;
  /** Where it was read from, if a file: priors with files of their own stand beside it. */
  readonly path?: string | undefined;
  readonly card: ModelCard;
  readonly network: BaseNetwork;
  /** [channels]: quantiser step of each channel of the modulation at quality 50. */
  readonly steps: Float32Array;
  /** How network and steps change with quality; undefined: not at all. `atQuality` gives the model at one. */
  readonly slopes?: QualitySlopes | undefined;
  /** All tensors of the file, the network's included. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What predicts modulations, where there is a file of it beside the model's: searches start there. */
  readonly encoder?: (() => Encoder) | undefined;
}

export interface ModelParts {
  readonly card: ModelCard;
  readonly network: BaseNetwork;
  readonly steps: Float32Array;
  readonly slopes?: QualitySlopes | undefined;
  /** Those of the priors; tensors under `field.` are taken from the parts above. */
  readonly tensors?: ReadonlyMap<string, Tensor> | undefined;
}

/** The `format` in the metadata of a model file, by that of its card. */
const modelFormats: Readonly<Record<CardFormat, string>> = { 1: 'functa-model/1', 2: 'functa-model/2' };

/** Whether the `format` in the metadata of a safetensors file is that of a model. */
export function isModelFormat(format: string | undefined): boolean {
  return Object.values(modelFormats).some((known) => known === format);
}

/**
 * Reads a whole model file; the model shares nothing with `bytes`. Throws BadStreamError `safetensors-*`, `truncated`,
 * `model-format`, `model-card`, `model-tensor` or `model-not-finite`, and LimitError.
 *
 * @example
 * const model = readModel(new Uint8Array(await readFile(modelPath)));
 */
export function readModel(bytes: Uint8Array, limits: Limits = defaultLimits): Model {
  check('readModel', byteArray(bytes, 'bytes'), anObject(limits, 'limits'));
  const { tensors, metadata } = readSafetensors(bytes, limits);
  const format = ([1, 2] as const).find((known) => modelFormats[known] === metadata.format);
  if (format === undefined) {
    const known = Object.values(modelFormats).join('" or "');
    throw new BadStreamError('model-format', 8, `not a model of this program: its format is not "${known}"`);
  }
  return asStream(() => {
    const card = parseCard(parseJson(metadata.card), format, limits);
    const network: BaseNetwork = {
      spec: card.spec,
      weights: takeTensor(tensors, 'field.weights', 'F32', weightLayout(card.spec).length),
      rates: takeRates(tensors, card.spec),
    };
    const steps = takeTensor(tensors, 'field.steps', 'F32', totalChannels(card.spec));
    const slopes = takeSlopes(tensors, network);
    checkNumbers(tensors, steps);
    return {
      id: sha256Hex(bytes),
      networkId: networkId(network, card.outputs, slopes),
      card,
      network,
      steps,
      slopes,
      tensors,
    };
  });
}

/**
 * The file of a model; `readModel` of it gives the parts back, and writing those gives the same bytes.
 * Throws BadInputError `bad-card`, `bad-spec`, `tensor-*` or `model-not-finite`.
 *
 * @example
 * const file = writeModel(model);
 */
export function writeModel(parts: ModelParts, limits: Limits = defaultLimits): Uint8Array {
  check('writeModel', partsOfModel(parts, 'model'), anObject(limits, 'limits'));
  const { network, steps, slopes } = parts;
  const { format, json } = cardJson({ ...parts.card, spec: network.spec });
  // Through JSON, as a reader will see it: Infinity is null there and is refused here.
  const card = parseCard(JSON.parse(JSON.stringify(json)), format, limits);
  const tensors = new Map([...(parts.tensors ?? [])].filter(([name]) => !name.startsWith('field.')));
  tensors.set('field.weights', tensor(network.weights));
  tensors.set('field.rates', tensor(network.rates));
  tensors.set('field.steps', tensor(steps));
  for (const [name, slope] of slopes === undefined ? [] : slopeTensors(slopes)) tensors.set(name, slope);
  const weights = weightLayout(card.spec).length;
  const channels = totalChannels(card.spec);
  takeTensor(tensors, 'field.weights', 'F32', weights);
  takeRates(tensors, card.spec);
  takeTensor(tensors, 'field.steps', 'F32', channels);
  takeSlopes(tensors, network);
  checkNumbers(tensors, steps);
  return writeSafetensors(tensors, {
    format: modelFormats[format],
    card: canonicalJson(cardJson(card).json),
  });
}

/**
 * SHA-256, hex, of the canonical JSON of spec and value ranges (one where all outputs share it), a zero byte, the weights and the
 * rates, and where there are slopes, of their qualities and of the slopes of both.
 */
export function networkId(network: BaseNetwork, outputs: readonly Output[], slopes?: QualitySlopes): string {
  const values = sharedRange(outputs) ?? outputs.map(({ offset, scale }) => ({ offset, scale }));
  const json = new TextEncoder().encode(canonicalJson({ spec: network.spec, values }));
  const arrays = [network.weights, network.rates];
  if (slopes !== undefined) arrays.push(Float32Array.from(slopes.qualities), slopes.weights, slopes.rates);
  const writer = new ByteWriter().bytes(json).bytes(Uint8Array.of(0));
  for (const array of arrays) writer.bytes(asBytes(array));
  return sha256Hex(writer.finish());
}

/** [rows, channels], with as many rows as the file has. */
function takeRates(tensors: ReadonlyMap<string, Tensor>, spec: FieldSpec): Float32Array {
  const { length } = takeTensor(tensors, 'field.rates', 'F32');
  return takeTensor(tensors, 'field.rates', 'F32', ratesLength(spec, length));
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch (cause) {
    throw new BadInputError('bad-card', 'the card is not JSON', { cause });
  }
}

function checkNumbers(tensors: ReadonlyMap<string, Tensor>, steps: Float32Array): void {
  for (const [name, { dtype, data }] of tensors) {
    if (dtype !== 'F32' && dtype !== 'F64') continue;
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new BadInputError('model-not-finite', `${name}[${at}] is ${data[at]}`);
  }
  const at = steps.findIndex((step) => step <= 0);
  if (at >= 0) throw new BadInputError('model-tensor', `field.steps[${at}] is ${steps[at]}, not above 0`);
}

/** What is wrong with a caller's parts is wrong with a file's bytes. */
function asStream<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    const codes: Partial<Record<ErrorCode, ErrorCode>> = {
      'model-not-finite': 'model-not-finite',
      'bad-card': 'model-card',
      'bad-spec': 'model-card',
    };
    throw new BadStreamError(codes[error.code] ?? 'model-tensor', 8, error.message);
  }
}

function asBytes(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
