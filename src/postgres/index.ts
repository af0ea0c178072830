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
export { Database, type DatabaseOptions, type Transaction } from './database.ts';
export {
  type CreateOptions,
  createPostgresFunctaset,
  dropPostgresFunctaset,
  forgetChanges,
  type ListedFunctaset,
  listFunctasets,
  openPostgresFunctaset,
} from './functasets.ts';
export { nameOfStore, type OpenStoreOptions, openFunctionStore } from './open.ts';
export { Replica, type ReplicaOptions, type Shard } from './replica.ts';
export { PostgresFunctaset, type PostgresFunctasetOptions, type Written } from './store.ts';
