/** What can be said of a `.functa` file without decoding it: as its header says (inspect.ts), and what of its signal pages pass over. */
import { readHeader, sectionOf } from '../../codec/index.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { aboutBeside, axesBeside, outputsAbout } from './description.ts';
import { inspect as inspectHeader } from './inspect.ts';
import type { InspectedItem, Inspection } from './types.ts';

/**
 * Reads the header. A file leaves out what is its model's default: with `model`, shape, rate and places are known too. Throws
 * LimitError and BadStreamError; whether the stream is whole shows on decoding.
 *
 * @example
 * const { kind, quality } = inspect(bytes);
 */
export function inspect(bytes: Uint8Array, model?: Model, limits: Limits = defaultLimits): Inspection {
  const found = inspectHeader(bytes, model, limits);
  return model === undefined ? found : { ...found, ...described(bytes, found, model, limits) };
}

function described(
  bytes: Uint8Array,
  { shape, items, outputs }: Inspection,
  { card }: Model,
  limits: Limits,
): Partial<Inspection> {
  const header = readHeader(bytes, limits);
  if (header.container === 'network' || shape === undefined) return {};
  if (header.container === 'file') {
    const about = aboutBeside(card.outputs.length, header.sections, undefined);
    const named = outputs && outputsAbout(outputs, about);
    return { axes: axesBeside(card, shape, header.sections), outputs: named, about };
  }
  const placesOf = ({ shape: own = shape }: InspectedItem, i: number) =>
    `${own}: ${sectionOf(header.sections?.[i], 'axes') ?? ''}`;
  const areAlike = new Set((items ?? []).map(placesOf)).size === 1;
  return areAlike ? { axes: axesBeside(card, shape, header.sections?.[0]) } : {};
}
