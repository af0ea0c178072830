/**
 * Joins learning, coding, data and stores into what a user asks for; the command line and the server are thin edges
 * over it.
 */
export { shapeOfData } from './data.ts';
export { type DemoOptions, demoFunctasets } from './demo.ts';
export { buildFunctaset, evaluate, trainModel, trainPrior } from './jobs.ts';
export {
  type ExportedModulations,
  type ExportOptions,
  exportModulations,
  functionsOfSafetensors,
  type ModulationsFormat,
  modulationsFormats,
  rowId,
} from './modulations-file.ts';
export {
  detailsPath,
  type PackDetails,
  type Packed,
  packFunctaset,
  readPack,
  type Unpacked,
  unpackFunctaset,
} from './pack.ts';
export type * from './types.ts';
