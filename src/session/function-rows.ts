/** The rows of whatever a file holds. */
import type { Limits } from '../core/limits.ts';
import type { Evaluator } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import { axesOf } from '../signal/axes.ts';
import type { RowStream } from '../signal/rows.ts';
import { modelBeside, rowsBeside } from './beside.ts';
import type { GridPoints } from './between.ts';
import type { axesBeside } from './description.ts';
import { outputGrid } from './grid.ts';
import { fieldRows } from './rows.ts';
import { sampleRows } from './sample-rows.ts';
import type { DecodeOptions } from './types.ts';
import type { DecodedFunction, DecodedModulation } from './work.ts';

export interface RowsContext {
  readonly model: Model;
  readonly engine: Evaluator;
  /** Reads where samples stand of what a file says; without it they are where the card says. */
  readonly axesBeside?: typeof axesBeside | undefined;
}

/** A field is evaluated, be it the model's or the file's own; samples are read. Throws before the first row as `fieldRows` and `sampleRows`. */
export function functionRows(
  context: RowsContext,
  found: DecodedFunction | Omit<DecodedModulation, 'prior'>,
  options: DecodeOptions & { readonly limits: Limits },
): RowStream {
  const { size, region, raw, signal, limits } = options;
  const asked = { size, region, raw, signal, limits };
  if ('network' in found)
    return fieldRows({ ...context, model: found.network }, found.shape, new Float32Array(0), asked);
  const { shape, sections, quality } = found;
  const model = modelBeside(context.model, sections);
  const axes = (context.axesBeside ?? axesOf)(model.card, shape, sections);
  const placed = { ...asked, axes, told: model.card.axes };
  const stream =
    'samples' in found
      ? sampleRows(model.card, found, placed)
      : fieldRows({ ...context, model }, shape, found.modulation, { ...placed, quality });
  if (sections === undefined) return stream;
  const grid = outputGrid(shape, placed, limits);
  const points = grid.points(0, grid.shape[0]!) as GridPoints;
  const { outputs } = model.card;
  return { ...rowsBeside(stream, { shape, sections, points }), outputs };
}
