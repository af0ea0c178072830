/** What can be said of a `.functa` file without decoding it: as its header says (inspect.ts), and what of its signal pages pass over. */
import { readHeader } from '../../codec/index.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import type { Axis } from '../field/outputs.ts';
import { axesBeside } from './description.ts';
import { inspect as inspectHeader } from './inspect.ts';
import type { Inspection } from './types.ts';

/**
 * Reads the header. A file leaves out what is its model's default: with `model`, shape, rate and places are known too. Throws
 * LimitError and BadStreamError; whether the stream is whole shows on decoding.
 *
 * @example
 * const { kind, quality } = inspect(bytes);
 */
export function inspect(bytes: Uint8Array, model?: Model, limits: Limits = defaultLimits): Inspection {
  const found = inspectHeader(bytes, model, limits);
  const axes = model && axesOfAll(bytes, found, model, limits);
  return axes === undefined ? found : { ...found, axes };
}

/** Where samples stand, where that is the same of all functions. */
function axesOfAll(
  bytes: Uint8Array,
  { shape, items }: Inspection,
  { card }: Model,
  limits: Limits,
): Axis[] | undefined {
  const header = readHeader(bytes, limits);
  if (header.container === 'network' || shape === undefined) return undefined;
  if (header.container === 'file') return axesBeside(card, shape, header.sections);
  const { sections } = header;
  const all = (items ?? []).map((item, i) => axesBeside(card, item.shape ?? shape, sections?.[i]));
  return new Set(all.map((axes) => JSON.stringify(axes))).size === 1 ? all[0] : undefined;
}
