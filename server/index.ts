/** Serves models and functasets over HTTP. */

export { defaultNamespace, type Scope, scopes } from './access/access.ts';
export {
  createKey,
  type KeyRecord,
  listKeys,
  type MadeKey,
  type NewKey,
  revokeKey,
  rotateKey,
} from './access/key-files.ts';
export { type AppOptions, createApp } from './app.ts';
export { FunctaClient, type FunctaClientOptions, ProblemError } from './client/client.ts';
export { defaultHome, homeAt } from './home.ts';
export {
  type Config,
  type Configured,
  readConfig,
  type Source,
  settings,
  valueAt,
} from './operations/config.ts';
export { limitsPage, serviceLimits } from './operations/limit-table.ts';
export { type AccessRecord, recordJson, recordText } from './operations/log.ts';
export { type Problem, problemSchema } from './problem.ts';
export { type RunningServer, type ServerOptions, startServer } from './serve.ts';
export { defaultTraffic, type TrafficLimits } from './traffic/traffic.ts';
export { type RunningWorker, startWorker, type WorkerOptions } from './worker.ts';
