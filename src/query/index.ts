/** Questions to a functaset: what is near, what is where, what is unlikely, and what the functions are at given points. */
export { base64, boundedList, isNumber, isRow, isText } from './bounded.ts';
export { cursorAfter, idOfCursor } from './cursor.ts';
export { checkNames, factsOf, matching } from './filter.ts';
export { NearIndexes } from './indexes.ts';
export { keptBeside } from './kept-file.ts';
export { type FunctasetMap, mapFunctions } from './map.ts';
export { type AskParts, isOfParts, mergeParts, type PartAnswer, type PartQuestion } from './merge.ts';
export { exportVectors, type SqlClient, type VectorTable, type VectorTableOptions } from './pgvector.ts';
export {
  type Filter,
  filter as filterSchema,
  maxLimit,
  maxPoints,
  parseFilter,
  parseQuery,
  type QueryInput,
  type QueryRequest,
  queryRequest,
} from './request.ts';
export { runQuery } from './run.ts';
export {
  type CheckedAnswer,
  collectAnswer,
  endOf,
  type Part,
  type QueryAnswer,
  type QueryContext,
  type QueryOptions,
  type Row,
} from './types.ts';
