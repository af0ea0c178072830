/** The rows of whatever a file holds, with what it says of its signal beside its values: pages have `functionRows` alone. */
import type { RowStream } from '../signal/rows.ts';
import type { GridPoints } from './between.ts';
import { aboutBeside, axesBeside, outputsAbout } from './description.ts';
import { functionRows } from './function-rows.ts';
import { outputGrid } from './grid.ts';

/** Throws as `functionRows`, and BadStreamError as `decodeAxes` and `decodeAbout`. */
export const describedRows: typeof functionRows = (context, found, options): RowStream => {
  if ('network' in found || found.sections === undefined) return functionRows(context, found, options);
  const { card } = context.model;
  const { shape, sections } = found;
  const placed = { ...options, axes: axesBeside(card, shape, sections), told: card.axes };
  const stream = functionRows(context, found, placed);
  const grid = outputGrid(shape, placed, options.limits);
  const points = grid.points(0, grid.shape[0]!) as GridPoints;
  const about = aboutBeside(card.outputs.length, sections, points);
  return { ...stream, about, outputs: outputsAbout(stream.outputs ?? card.outputs, about) };
};
