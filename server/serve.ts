/** Starting and stopping: what is loaded, where it listens, and how it goes down without dropping a request. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { packageRoot } from '../datasets/cache.ts';
import { classifierCardOf } from '../src/classify/index.ts';
import { ConflictError } from '../src/core/errors.ts';
import { type Limits, withLimits } from '../src/core/limits.ts';
import { type Engine, openEngine } from '../src/engine/index.ts';
import { openFunctaset } from '../src/functaset/index.ts';
import { bundledModels, describePriors, listModels, loadModel, openSession } from '../src/pipeline/index.ts';
import { NearIndexes } from '../src/query/index.ts';
import { Admission } from './admission.ts';
import { createApp } from './app.ts';
import { Connections } from './connections.ts';
import type { ServedModel, ServerContext } from './context.ts';
import type { FunctasetSource } from './functasets.ts';
import { isLoopback } from './hosts.ts';
import { listen } from './listen.ts';
import type { AccessRecord } from './log.ts';
import { Pacer } from './pacer.ts';
import { WorkPool } from './pool.ts';
import { defaultTraffic, type TrafficLimits } from './traffic.ts';

export interface ServerOptions {
  /** 0: any free port. Default 8080. */
  readonly port?: number | undefined;
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string | undefined;
  /** Directories of model files; default: the bundled ones. */
  readonly modelsDir?: string | readonly string[] | undefined;
  /** Paths of functasets, served under the last part of their path, or by name. */
  readonly functasets?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** An open engine, which stays the caller's to close, or the name of one; default: the fastest here. */
  readonly engine?: Engine | string | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly maxBodyBytes?: number | undefined;
  /** Requests at work at once, one fewer of them large; default: one more than there are cores. */
  readonly running?: number | undefined;
  /** Requests that may wait; the next ones are answered with 503. Default 32. */
  readonly waiting?: number | undefined;
  /** What is borne of clients; default: `defaultTraffic`. */
  readonly traffic?: Partial<TrafficLimits> | undefined;
  /** Names beside its address that the server goes by; others in `Host` are refused on loopback. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Called once for every request. */
  readonly log?: ((record: AccessRecord) => void) | undefined;
  /** Aborting it closes the server. */
  readonly signal?: AbortSignal | undefined;
  /** How long `close` waits for requests under way, in milliseconds. Default 10 000. */
  readonly graceMs?: number | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Only this machine reaches it. */
  readonly loopback: boolean;
  readonly models: readonly string[];
  readonly functasets: readonly string[];
  readonly engine: string;
  /** Takes no more requests, lets those under way finish, frees everything. Idempotent. */
  close(): Promise<void>;
  /** Resolves when the server has closed, for whatever reason. */
  readonly closed: Promise<void>;
}

/** What a request may ask for: a picture of 16 megapixels, about ten seconds of two cores, less than a minute of entropy coding. */
const serverLimits: Partial<Limits> = {
  maxSamples: 2 ** 24,
  maxMultiplyAdds: 2 ** 39,
  maxFileBytes: 2 ** 25,
  maxSymbols: 2 ** 21,
};
const defaultBodyBytes = 2 ** 24;
/**
 * Loads models and functasets and listens. Throws EnvironmentError `port-in-use` or `cannot-listen`, and what reading
 * a model or opening a functaset throws; nothing stays open then.
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    return await start(options, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function start(options: ServerOptions, closers: (() => Promise<unknown>)[]): Promise<RunningServer> {
  const given = options.engine;
  const engine = typeof given === 'object' ? given : await openEngine(given);
  if (engine !== given) closers.push(() => engine.close());
  const context = await openContext(options, engine, closers);
  const host = options.host ?? '127.0.0.1';
  const { port, address, drain } = await listen(createApp(context, { log: options.log }).fetch, context, {
    port: options.port ?? 8080,
    host,
    allowedHosts: options.allowedHosts ?? [],
    log: options.log,
  });
  closers.push(() => drain(options.graceMs ?? 10_000));

  let closing: Promise<void> | undefined;
  const { promise: closed, resolve } = withResolvers();
  const close = () => {
    closing ??= closeAll(closers).then(resolve);
    return closing;
  };
  if (options.signal?.aborted) await close();
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    loopback: isLoopback(address),
    models: context.models.map(({ name }) => name),
    functasets: context.functasets.map(({ name }) => name),
    engine: engine.name,
    close,
    closed,
  };
}

async function openContext(
  options: ServerOptions,
  engine: Engine,
  closers: (() => Promise<unknown>)[],
): Promise<ServerContext> {
  const limits = withLimits({ ...serverLimits, ...options.limits });
  const traffic = { ...defaultTraffic, ...options.traffic };
  const cores = availableParallelism();
  // One more than there are cores: a small request has a turn while large ones fill the machine.
  const { running = cores + 1, waiting = 32 } = options;
  const directories = [options.modelsDir ?? bundledModels()].flat();
  const entries = await listModels(directories);
  const loaded = await Promise.all(
    entries.map(async (entry) => ({ entry, model: await loadModel(entry.path) })),
  );
  const paths = new Map(loaded.map(({ entry, model }) => [model.id, entry.path]));
  const pool = new WorkPool(paths, { threads: Math.max(1, Math.ceil(cores / 2)), queue: running + waiting });
  closers.push(() => pool.close());
  const models = await Promise.all(
    loaded.map(
      async ({ entry, model }): Promise<ServedModel> => ({
        name: entry.name,
        model,
        fileBytes: entry.fileBytes,
        priors: await describePriors(model),
        classifier: await classifierCardOf(model),
        session: openSession({ model, engine, limits, work: pool }),
      }),
    ),
  );
  const connections = new Connections(traffic);
  closers.push(async () => connections.close());
  const functasets = await openFunctasets(options.functasets ?? [], models, closers);
  return {
    models,
    functasets,
    admission: new Admission({ running, waiting }),
    traffic,
    connections,
    pacer: new Pacer(traffic.refusalsPerSecond),
    pool,
    limits,
    maxBodyBytes: options.maxBodyBytes ?? defaultBodyBytes,
    version: JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version,
    state: { draining: false },
  };
}

async function openFunctasets(
  given: readonly string[] | Readonly<Record<string, string>>,
  models: readonly ServedModel[],
  closers: (() => Promise<unknown>)[],
): Promise<FunctasetSource[]> {
  const named = Array.isArray(given)
    ? given.map((path: string) => [basename(path), path])
    : Object.entries(given);
  const sources: FunctasetSource[] = [];
  for (const [name, path] of named as [string, string][]) {
    if (sources.some((source) => source.name === name)) {
      throw new ConflictError(
        'functaset-name',
        `two functasets are called ${name}; give them names of their own`,
      );
    }
    const store = await openFunctaset(path, { readOnly: true });
    closers.push(() => store.close());
    const model = models.find((served) => served.model.networkId === store.info.networkId);
    const indexes = model && new NearIndexes({ store, model: model.model, engine: model.session.engine });
    sources.push({ name, store, model, indexes });
  }
  return sources.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop())
    await close().catch(() => undefined);
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
