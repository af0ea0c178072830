/** Signals: samples of functions on regular grids, in memory or as rows that come one after another. */
export { parseRegion, parseSize, type Region, type Size } from './region.ts';
export { collectRows, type RowStream, type Rows, signalRows, stackedRows } from './rows.ts';
export type { Signal } from './signal.ts';
export { isPicture } from './values.ts';
