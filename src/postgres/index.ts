/** Functasets in a PostgreSQL database that many machines share, and their replicas on each. */
export {
  type Address,
  type FunctasetName,
  functasetName,
  functasetText,
  isPostgres,
  parseAddress,
} from './address.ts';
export { Changes } from './changes.ts';
export { type Checkpoint, keepCheckpoint } from './checkpoints.ts';
export { Database, type DatabaseOptions, type Transaction } from './database.ts';
export { isDuplicate } from './failure.ts';
export { type FileHead, type FileOwner, SharedFiles } from './files.ts';
export {
  adoptFunctaset,
  type CreateOptions,
  createPostgresFunctaset,
  dropPostgresFunctaset,
  forgetChanges,
  type Kept,
  type ListedFunctaset,
  listFunctasets,
  makeFunctaset,
  openPostgresFunctaset,
} from './functasets.ts';
export { type Mark, markOf, type Shard, textOf as textOfShard } from './mark.ts';
export {
  changeSharedModel,
  findSharedModel,
  listSharedModels,
  type ModelChange,
  removeSharedModel,
  type SharedModel,
} from './models.ts';
export { nameOfStore, type OpenStoreOptions, openFunctionStore } from './open.ts';
export {
  type Added,
  type End,
  JobQueue,
  type JobQueueOptions,
  jobChannel,
  type NewQueuedJob,
  type NumberedEvent,
  type QueuedEvent,
  type QueuedJob,
  type Turn,
  workChannel,
} from './queue.ts';
export { Replica, type ReplicaOptions } from './replica.ts';
export { PostgresFunctaset, type PostgresFunctasetOptions, type Written } from './store.ts';
export { insertWithin, mergeWithin } from './within.ts';
