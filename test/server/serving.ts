/** A running server for tests: a tiny model, a functaset of eight functions, real HTTP on a free port. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AccessRecord,
  type RunningServer,
  type ServerOptions,
  startServer,
} from '../../server/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { type Model, readModel } from '../../src/field/model.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';
import { compiled } from '../compiled.ts';
import { type BusyMonitor, monitorBusy } from './busy.ts';

export interface Serving {
  readonly directory: string;
  readonly model: Model;
  readonly engine: Engine;
  readonly records: AccessRecord[];
  start(options?: ServerOptions): Promise<RunningServer>;
  /** Throws when a request kept the event loop busy for too long. */
  stop(): Promise<void>;
}

/** Milliseconds for which no request may keep the event loop busy. */
const mostBusyMs = 50;

/** Starts a server whose event loop is watched. */
export function startWatched(monitor: BusyMonitor, options: ServerOptions): Promise<RunningServer> {
  return monitor.watchStart(() => startServer(options));
}

/** Throws when a request kept the event loop busy for too long, and stops watching. */
export function checkTurns(monitor: BusyMonitor): void {
  monitor.stop();
  const worst = monitor
    .worst()
    .map(({ ms, longest, during }) => `${ms.toFixed(1)} ms (${longest}, in '${during}')`);
  if (process.env.FUNCTA_BUSY) console.log(`longest turns: ${worst.join(', ')}`);
  const [{ ms } = { ms: 0 }] = monitor.worst();
  if (ms > mostBusyMs) throw new Error(`the server kept its event loop busy: ${worst.join(', ')}`);
}

/** Text that no problem may have: files of this machine, where in the code it came from, a key. */
const inside =
  /\/tmp\/|\/root\/|\/home\/|node_modules|\.ts:\d|\.js:\d|\n\s+at |functa_[0-9a-f]{12}_[\w-]{43}/;

/** Looks at every problem that comes by `fetch`; the function returned gives those that say too much, and ends it. */
function watchProblems(): () => string[] {
  const plain = globalThis.fetch;
  const told: string[] = [];
  globalThis.fetch = async (...given) => {
    const response = await plain(...given);
    if (response.headers.get('content-type') === 'application/problem+json') {
      const text = await response.clone().text();
      if (inside.test(text)) told.push(text);
    }
    return response;
  };
  return () => {
    globalThis.fetch = plain;
    return told;
  };
}

export async function prepare(): Promise<Serving> {
  const problemsThatTell = watchProblems();
  process.env.FUNCTA_COMPILED = compiled();
  const directory = await mkdtemp(join(tmpdir(), 'functa-server-'));
  const engine = await openEngine();
  const bytes = await makeTinyModel(engine);
  const model = readModel(bytes);
  await writeFile(join(directory, 'tiny.safetensors'), bytes);
  const path = join(directory, 'shoes');
  await buildFunctaset({ data: 'fixture-fashion', split: 'test', path, model, engine });
  const records: AccessRecord[] = [];
  const started: RunningServer[] = [];
  const monitor = monitorBusy();
  return {
    directory,
    model,
    engine,
    records,
    async start(options = {}) {
      const server = await startWatched(monitor, {
        port: 0,
        modelsDir: directory,
        functasets: [path],
        engine,
        log: (record) => records.push(record),
        graceMs: 2000,
        ...options,
      });
      started.push(server);
      return server;
    },
    async stop() {
      try {
        checkTurns(monitor);
        const told = problemsThatTell();
        if (told.length > 0) throw new Error(`problems tell of the inside: ${told.slice(0, 3).join('; ')}`);
      } finally {
        for (const server of started) await server.close();
        await engine.close();
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

/** A grey PNG, 28 x 28 unless told otherwise. */
export async function png(width = 28, height = 28): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const raw = Buffer.alloc(width * height);
  for (let i = 0; i < raw.length; i++) raw[i] = 128 + 100 * Math.sin(i / 9);
  return sharp(raw, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}
