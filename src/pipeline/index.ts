/**
 * Joins learning, coding, data and stores into what a user asks for; the command line and the server are thin edges
 * over it.
 */
export { multiplyAddsPerPoint, type OutputGrid, outputGrid, parseRegion, parseSize } from './grid.ts';
export { pngChunks } from './png.ts';
export { contactSheet } from './sheet.ts';
export type * from './types.ts';
