/** A signal from the bytes of a file in any of the formats, with the values that are wanted. */
import { BadInputError, BadStreamError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { ModelCard } from '../field/card.ts';
import { fillsAround0, isOfRange, takesAnyRange } from '../signal/own-range.ts';
import type { Signal } from '../signal/signal.ts';
import type { ByteSource, Parts, ReadOptions, ShapeOptions, SignalFormat } from './format.ts';
import { formatOfFile, formatOfName, kindOf, signalFormats, titlesOf, wantedBy } from './formats.ts';

/** Codes of a file that is given to a model of another kind: others may take it. */
export const otherKindCodes: ReadonlySet<string> = new Set([
  'not-a-field-model',
  'not-a-picture-model',
  'not-a-shape-model',
  'not-a-sound-model',
]);

/** Cards of the models that take a file, of those that there are: their kind is one that its format holds, of as many channels. */
export async function cardsThatTake<
  T extends Pick<ModelCard, 'spec' | 'outputs' | 'axes' | 'anySize' | 'shape'>,
>(
  bytes: Uint8Array,
  cards: readonly T[],
  options: Parts & Pick<ReadOptions, 'told' | 'limits'>,
): Promise<readonly T[]> {
  const format = formatOfFile(bytes, options.told);
  const taking: T[] = [];
  for (const card of cards) {
    if (format?.fits(kindOf(card)) !== true) continue;
    const shape = await format.shapeOf(bytes, { ...wantedBy(card), ...options }).catch(() => undefined);
    if (shape !== undefined && (card.anySize || shape.join() === card.shape.join())) taking.push(card);
  }
  return taking;
}

/**
 * Of models that a file fits by its shape and channels, those that were learnt for such values: it is read for each that has a range, as encoding
 * would; of a signed distance those of signed distances alone. All of them where its values are of none, or where what its channels are says enough.
 */
export async function cardsOfValues<T extends { readonly card: ModelCard }>(
  fitting: readonly T[],
  format: Pick<SignalFormat, 'channelKinds'>,
  read: (model: T) => Promise<Signal>,
): Promise<readonly T[]> {
  if (format.channelKinds !== undefined || fitting.length < 2) return fitting;
  const found: T[] = [];
  const around0: T[] = [];
  for (const model of fitting) {
    const { outputs } = model.card;
    const signal = takesAnyRange(outputs) ? undefined : await read(model).catch(() => undefined);
    if (signal !== undefined && fillsAround0(outputs, signal)) around0.push(model);
    if (takesAnyRange(outputs) || (signal !== undefined && isOfRange(outputs, signal))) found.push(model);
  }
  if (around0.length > 0) return around0;
  return found.length === 0 ? fitting : found;
}

/** What a refusal of a file of another kind says of the models that there are. */
export function toldOfTakers(names: readonly string[], models: number): string {
  return names.length === 0
    ? `none here (${models}) takes it`
    : `those here that take it: ${names.join(', ')}`;
}

export type ReadSignalOptions = Omit<ReadOptions, 'limits'> & { readonly limits?: Limits | undefined };

/** The shape of the signal that `readSignalAs` gives, from the header of its file where that says it. Throws as `readSignalAs`. */
export async function readSignalShape(
  bytes: Uint8Array,
  options: ShapeOptions & Pick<ReadOptions, 'told'>,
): Promise<readonly number[]> {
  return formatOf(bytes, { ...options, id: 'this' }).shapeOf(bytes, options);
}

/**
 * Reads a file of any of the formats, whichever the bytes begin like, or `told` says where they begin in any way. Throws BadStreamError `unknown-format`, and what the format
 * throws, such as BadInputError where it does not hold what is wanted.
 */
export async function readSignalAs(bytes: Uint8Array, options: ReadSignalOptions): Promise<Signal> {
  const format = formatOf(bytes, options);
  return format.read(bytes, { ...options, limits: options.limits ?? defaultLimits });
}

/** The same of bytes that are not in memory, of a format that takes them in parts; `head`: the first of them. Throws as `readSignalAs`. */
export async function readSignalFrom(
  source: ByteSource & { readonly head: Uint8Array },
  options: ReadSignalOptions,
): Promise<Signal> {
  const format = formatOf(source.head, options);
  const asked = { ...options, limits: options.limits ?? defaultLimits };
  return format.readFrom === undefined
    ? format.read(await source.read(0, source.size), asked)
    : format.readFrom(source, asked);
}

/** Throws BadStreamError `empty-signal`, `unknown-format`, BadInputError `bad-option`. */
function formatOf(bytes: Uint8Array, options: Pick<ReadOptions, 'id' | 'told'> & Parts): SignalFormat {
  const { id, told } = options;
  const format = formatOfFile(bytes, told);
  if (format !== undefined) {
    for (const part of partNames) if (options[part] !== undefined) checkHasPart(format, part, id);
    return format;
  }
  if (bytes.length === 0) throw new BadStreamError('empty-signal', 0, `${id} has no bytes, so no signal`);
  const named = told === undefined ? undefined : formatOfName(told)?.title;
  const advice =
    named === undefined ? 'convert it to one of them' : `it is named as ${named}: write it anew, whole`;
  throw new BadStreamError(
    'unknown-format',
    0,
    `${id} is none of ${titlesOf(signalFormats, 'and')}; ${advice}`,
  );
}

const partNames = ['variable', 'grid'] as const satisfies readonly (keyof Parts)[];

/** What cannot be asked of a format is not passed over. */
function checkHasPart({ title, parts = [] }: SignalFormat, part: keyof Parts, id: string): void {
  if (parts.includes(part)) return;
  const having = signalFormats.filter((format) => format.parts?.includes(part) === true);
  throw new BadInputError(
    'bad-option',
    `${id} is ${title}, which has no ${part}; leave it out, or give ${titlesOf(having)}`,
  );
}
