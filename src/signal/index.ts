/** Signals: samples of functions on regular grids, in memory or as rows that come one after another. */
export type { Box } from './box.ts';
export { errorAgainst, type SignalError } from './errors.ts';
export { boxOf, parseSize, type Size } from './region.ts';
export { collectRows, type RowStream, type Rows, signalRows, stackedRows } from './rows.ts';
export type { Signal } from './signal.ts';
