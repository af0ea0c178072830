/** The store of a model's functions: modulations and their coded bytes, by id and by label. */
export { openFunctaset } from './store.ts';
export { summaryOf, unknownFunction, unknownLabel } from './summary.ts';
export type * from './types.ts';
