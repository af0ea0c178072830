/** The rows of whatever a file holds. */
import type { Limits } from '../core/limits.ts';
import type { Evaluator } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import type { RowStream } from '../signal/rows.ts';
import { fieldRows } from './rows.ts';
import { sampleRows } from './sample-rows.ts';
import type { DecodeOptions } from './types.ts';
import type { DecodedFunction, DecodedModulation } from './work.ts';

/** A field is evaluated, be it the model's or the file's own; samples are read. Throws before the first row as `fieldRows` and `sampleRows`. */
export function functionRows(
  context: { readonly model: Model; readonly engine: Evaluator },
  found: DecodedFunction | Omit<DecodedModulation, 'prior'>,
  options: DecodeOptions & { readonly limits: Limits },
): RowStream {
  const { size, region, raw, signal, limits } = options;
  const asked = { size, region, raw, signal, limits };
  if ('network' in found)
    return fieldRows({ ...context, model: found.network }, found.shape, new Float32Array(0), asked);
  if ('samples' in found) return sampleRows(context.model.card, found, asked);
  const { shape, modulation, quality } = found;
  return fieldRows(context, shape, modulation, { ...asked, quality });
}
