/** The rows of whatever a file holds. */
import type { Evaluator } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import { axesOf } from '../signal/axes.ts';
import type { RowStream } from '../signal/rows.ts';
import { modelBeside, rowsBeside } from './beside.ts';
import type { GridPoints } from './between.ts';
import { outputGrid } from './grid.ts';
import { fieldRows, type RowsOptions } from './rows.ts';
import { sampleRows } from './sample-rows.ts';
import type { DecodedFunction, DecodedModulation } from './work.ts';

export interface RowsContext {
  readonly model: Model;
  readonly engine: Evaluator;
}

/** A field is evaluated, be it the model's or the file's own; samples are read. Throws before the first row as `fieldRows` and `sampleRows`. */
export function functionRows(
  context: RowsContext,
  found: DecodedFunction | Omit<DecodedModulation, 'prior'>,
  options: RowsOptions,
): RowStream {
  const { size, region, raw, signal, limits } = options;
  const asked = { size, region, raw, signal, limits };
  if ('network' in found)
    return fieldRows({ ...context, model: found.network }, found.shape, new Float32Array(0), asked);
  const { shape, sections, quality } = found;
  const model = modelBeside(context.model, sections);
  const { axes = axesOf(model.card, shape), told } = options;
  const placed = { ...asked, axes, told };
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
