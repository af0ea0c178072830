/**
 * Joins learning, coding, data and stores into what a user asks for; the command line and the server are thin edges
 * over it.
 */
export { multiplyAddsPerPoint } from '../../codec/index.ts';
export { shapeOfData } from './data.ts';
export { type DemoOptions, demoFunctasets } from './demo.ts';
export { type FunctionSource, type OpenFunction, openFunctions, openStored } from './functions.ts';
export { type OutputGrid, outputGrid } from './grid.ts';
export { inlineWork } from './inline-work.ts';
export { inspect } from './inspect.ts';
export { itemNumber, namesOf } from './items.ts';
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
export { type FunctionOf, functionOfFile, functionOfModulation } from './put.ts';
export { defaultQuality, openSession } from './session.ts';
export type * from './types.ts';
export type * from './work.ts';
