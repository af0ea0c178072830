/**
 * Joins learning, coding, data and stores into what a user asks for; the command line and the server are thin edges
 * over it.
 */
export { contactSheet } from '../../datasets/contact-sheet.ts';
export { multiplyAddsPerPoint, type OutputGrid, outputGrid, parseRegion, parseSize } from './grid.ts';
export { bundledModels, findModel, listModels, loadModel, modelSuffix } from './models.ts';
export { npyChunks, stackedRows } from './npy.ts';
export { pngChunks } from './png.ts';
export { collectRows, signalRows } from './rows.ts';
export { trainModel } from './train.ts';
export type * from './types.ts';
export { isPicture } from './values.ts';
export type * from './work.ts';
