/** The store of a model's functions, each as its bytes, by id and by label. */
export { answerMs, isOld } from './answer-age.ts';
export { type Backup, backupFunctaset, restoreFunctaset } from './backup.ts';
export { forsakeClaim } from './claim.ts';
export { type Copied, type CopyOptions, copyFunctions, isEqual } from './copy.ts';
export { damagedFunction, leaveOut } from './failure.ts';
export { checkFile } from './file.ts';
export { type FunctionStore, functionStoreOf, type Touches } from './function-store.ts';
export { type Held, holdDirectory } from './hold.ts';
export { compareIds, compareLabels } from './order.ts';
export { decodeNote, decodeRecord, encodeNote, recordOf } from './record.ts';
export { compactFunctaset, type Rewritten, upgradeFunctaset } from './rewrite.ts';
export { stampOf } from './stamp.ts';
export { openFunctaset } from './store.ts';
export { summaryOf, unknownFunction, unknownLabel } from './summary.ts';
export type * from './types.ts';
