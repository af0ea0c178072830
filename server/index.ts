/** Serves models and functasets over HTTP. */

export { defaultNamespace, type Scope, scopes } from './access.ts';
export { type AppOptions, createApp } from './app.ts';
export { FunctaClient, type FunctaClientOptions, ProblemError } from './client/client.ts';
export {
  type Config,
  type Configured,
  readConfig,
  type Source,
  settings,
  valueAt,
} from './config.ts';
export { defaultHome, homeAt } from './home.ts';
export {
  createKey,
  type KeyRecord,
  listKeys,
  type MadeKey,
  type NewKey,
  revokeKey,
  rotateKey,
} from './key-files.ts';
export { limitsPage, serviceLimits } from './limit-table.ts';
export { type AccessRecord, recordJson, recordText } from './log.ts';
export { type Problem, problemSchema } from './problem.ts';
export { type RunningServer, type ServerOptions, startServer } from './serve.ts';
export { defaultTraffic, type TrafficLimits } from './traffic.ts';
