/** Sessions: a model and an engine, ready to turn signals into bytes, bytes into functions, and functions into signals. */

export { findModelOf } from './find-model.ts';
export type { Func, FuncBytesOptions, FuncDecodeOptions, FuncKind } from './func.ts';
export { type FunctionSource, type OpenFunction, openFunctions, openStored } from './functions.ts';
export { type OutputGrid, outputGrid } from './grid.ts';
export { inlineWork } from './inline-work.ts';
export { inspect } from './inspect-file.ts';
export { itemNumber, namesOf } from './items.ts';
export type { MaxError } from './max-error.ts';
export { modelOfNetworkFile } from './own-network.ts';
export { type FunctionOf, functionOfFile, functionOfModulation } from './put.ts';
export { openSession } from './session.ts';
export { type Spent, spentOn } from './spent.ts';
export type * from './types.ts';
export { type Verified, type VerifyOptions, verify } from './verify.ts';
export type * from './work.ts';
