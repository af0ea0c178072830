/** Starting and stopping: what is loaded, where it listens, and how it goes down without dropping a request. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { BadInputError, ConflictError, NotFoundError } from '../src/core/errors.ts';
import { serverLimits, withLimits } from '../src/core/limits.ts';
import { packageRoot } from '../src/disk/package.ts';
import type { Engine } from '../src/engine/index.ts';
import { kindOf, type SignalFormat, writtenFormatsFor } from '../src/formats/formats.ts';
import { bundledModels, listModels } from '../src/models/index.ts';
import type { Gate } from './access/guard.ts';
import { isLoopback } from './access/hosts.ts';
import { Keyring } from './access/keyring.ts';
import { Answers } from './answers.ts';
import { createApp } from './app.ts';
import { Catalogue, type RefusedModel, type ServedModel } from './catalogue.ts';
import type { ServerContext } from './context.ts';
import { followShared } from './follow.ts';
import { holdHome, homeAt, homeOf, modelFilesOf } from './home.ts';
import { openRoom } from './jobs/room.ts';
import { functasetsOf } from './kept.ts';
import { listen } from './listen.ts';
import { type Config, valueAt } from './operations/config.ts';
import { placeTable } from './operations/limit-table.ts';
import type { AccessRecord } from './operations/log.ts';
import { type Metrics, openMetrics } from './operations/metrics.ts';
import { listenForMetrics } from './operations/metrics-listener.ts';
import { shardOf, shardsOf } from './shards/setup.ts';
import { Admission } from './traffic/admission.ts';
import { Connections } from './traffic/connections.ts';
import { Pacer } from './traffic/pacer.ts';
import { Rates } from './traffic/rates.ts';
import { defaultTraffic } from './traffic/traffic.ts';
import { Pool } from './work/pool.ts';
import type { FunctasetRef } from './work/shelf.ts';
import { Together } from './work/together.ts';
import { Writer } from './writer/writer.ts';

/** What can be configured, and what only a program can give. */
export interface ServerOptions extends Omit<Config, 'engine'> {
  /** The name of an engine, or an engine, whose name is taken: each worker opens its own. Default: the fastest here. */
  readonly engine?: Engine | string | undefined;
  /** Called once for every request. */
  readonly log?: ((record: AccessRecord) => void) | undefined;
  /** Aborting it closes the server. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Where metrics are had; undefined: nowhere. */
  readonly metricsUrl: string | undefined;
  /** Only this machine reaches it. */
  readonly loopback: boolean;
  readonly models: readonly string[];
  /** What signals of the first model are had as unless something else is asked for. */
  readonly reply: Pick<SignalFormat, 'mediaType' | 'suffixes'> | undefined;
  /** Model files that cannot be served. */
  readonly refused: readonly RefusedModel[];
  readonly functasets: readonly string[];
  readonly engine: string;
  /** Takes no more requests, lets those under way finish, frees everything. Idempotent. */
  close(): Promise<void>;
  /** Resolves when the server has closed, for whatever reason. */
  readonly closed: Promise<void>;
}

/**
 * Loads models and functasets and listens. Throws EnvironmentError `port-in-use` or `cannot-listen`, ConflictError `home-busy`,
 * and what reading a model or opening a functaset throws; BadInputError `key-needed` where others than this machine reach it
 * and no key was made; nothing stays open then.
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
  const context = await openContext(options, closers);
  const host = options.host ?? '127.0.0.1';
  const metrics = options.metricsPort === undefined ? undefined : openMetrics(context);
  const log = metrics === undefined ? options.log : observed(metrics, options.log);
  const { port, address, drain } = await listen(createApp(context, { log }).fetch, context, {
    port: options.port ?? 8080,
    host,
    allowedHosts: options.allowedHosts ?? [],
    log,
  });
  closers.push(() => drain(options.graceMs ?? placeTable.graceMs.usual));
  context.gate.loopback = isLoopback(address);
  checkReach(context.gate, host);
  closers.push(async () => context.room?.endStreams());

  const shown = metrics && (await showMetrics(metrics, options));
  if (shown !== undefined) closers.push(() => shown.close());

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
    metricsUrl: shown?.url,
    loopback: context.gate.loopback,
    models: context.catalogue.models.map(({ name }) => name),
    reply: replyOf(context.catalogue.models[0]),
    refused: context.catalogue.refused,
    functasets: context.catalogue.functasets.map(({ name }) => name),
    engine: context.engine,
    close,
    closed,
  };
}

async function openContext(
  options: ServerOptions,
  closers: (() => Promise<unknown>)[],
): Promise<ServerContext> {
  const shard = shardOf(options);
  const shards = shardsOf(options);
  if (shards !== undefined) closers.push(() => shards.close());
  const limits = withLimits({ ...serverLimits, ...options.limits });
  const traffic = { ...defaultTraffic, ...options.traffic };
  // One more than there are cores: a small request has a turn while large ones fill the machine.
  const running = options.running || availableParallelism() + 1;
  const { waiting = placeTable.waiting.usual } = options;
  const directories = [options.modelsDir ?? bundledModels()].flat();
  for (const directory of directories) checkDirectory(directory);
  const entries = await listModels(directories);
  const functasets = refsOf(options.functasets ?? []);
  const home = options.home === undefined ? undefined : homeAt(options.home);
  if (options.home !== undefined) {
    const held = await holdHome(options.home);
    closers.push(() => held.release());
  }
  const choice = typeof options.engine === 'object' ? options.engine.name : options.engine;
  const { pool, engine } = await Pool.open({ threads: running, engine: choice, limits });
  closers.push(() => pool.close());
  const { store } = options;
  const share = store === undefined ? undefined : { url: store, root: homeOf({ home }).functasets, shard };
  const writer = new Writer({ share });
  if (home !== undefined) writer.warm();
  closers.push(() => writer.close());
  const connections = new Connections(traffic);
  closers.push(async () => connections.close());
  const made = home === undefined ? [] : await modelFilesOf(home);
  const followed = share && followShared(pool, writer);
  const kept = (await followed?.all) ?? (home === undefined ? [] : functasetsOf(home));
  const catalogue = await Catalogue.open(pool, [...entries, ...made], [...functasets, ...kept]);
  followed?.into(catalogue);
  const room =
    home === undefined
      ? undefined
      : await openRoom({
          ...{ home, catalogue, pool, writer, engine: choice, store },
          root: options.home!,
          limits: options.jobs,
          workLimits: options.limits,
          allowed: options.allowedDirectories ?? {},
        });
  closers.push(async () => room?.jobs.close());
  return {
    catalogue,
    admission: new Admission({ running, waiting }),
    traffic,
    connections,
    pacer: new Pacer(traffic.refusalsPerSecond),
    pool,
    writer,
    answers: new Answers(traffic.answerBytes),
    together: new Together(),
    engine,
    limits,
    maxBodyBytes: options.maxBodyBytes ?? placeTable.maxBodyBytes.usual,
    home,
    maxSnapshots: options.maxSnapshots ?? placeTable.maxSnapshots.usual,
    limitValue: ({ setting, usual }) => {
      if (setting === 'running') return running;
      return setting === undefined
        ? usual
        : Number(valueAt({ ...options, engine: choice }, setting) ?? usual);
    },
    gate: {
      keyring: new Keyring(options.keys ?? home?.keys),
      anonymous: options.anonymous,
      origins: options.origins ?? [],
      rates: new Rates(traffic.requestsPerSecond),
      loopback: false,
    },
    room,
    shards,
    version: JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version,
    state: { draining: false },
  };
}

function observed(metrics: Metrics, log: ServerOptions['log']): (record: AccessRecord) => void {
  return (record) => {
    metrics.observe(record);
    log?.(record);
  };
}

function showMetrics(metrics: Metrics, { metricsPort = 0, metricsHost }: ServerOptions) {
  return listenForMetrics(metrics, { port: metricsPort, host: metricsHost ?? '127.0.0.1' });
}

/** Throws BadInputError `key-needed`. Until this is known every request is asked for a key. */
function checkReach({ loopback, keyring, anonymous }: Gate, host: string): void {
  if (loopback || keyring.any || anonymous !== undefined) return;
  throw new BadInputError(
    'key-needed',
    `others reach ${host}, and there is no key: make one with functa keys create, or say what may be done without one with --anonymous read`,
  );
}

function replyOf(model: ServedModel | undefined): RunningServer['reply'] {
  return model && writtenFormatsFor(kindOf(model.card))[0];
}

/** Throws NotFoundError `models-directory`. */
function checkDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new NotFoundError(
    'models-directory',
    `there is no directory ${path}; give one that holds model files, or leave it out for the bundled models`,
  );
}

/** Functasets by name. Throws ConflictError `functaset-name`. */
function refsOf(given: readonly string[] | Readonly<Record<string, string>>): FunctasetRef[] {
  const refs = Array.isArray(given)
    ? given.map((path: string) => ({ name: basename(path), path }))
    : Object.entries(given as Readonly<Record<string, string>>).map(([name, path]) => ({ name, path }));
  for (const [i, { name }] of refs.entries()) {
    if (refs.findIndex((other) => other.name === name) === i) continue;
    throw new ConflictError(
      'functaset-name',
      `two functasets are called ${name}; give them names of their own`,
    );
  }
  return refs.sort((a, b) => (a.name < b.name ? -1 : 1));
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
