/** Opens an engine by name, or the fastest that works here. */
import { aNumber, aText, check, listOf, maybe, optionsOf } from '../core/check.ts';
import { AbortedError, BadInputError, FunctaError } from '../core/errors.ts';
import type { Engine } from './engine.ts';
import { type Timing, type TimingOptions, timeEngine } from './timing.ts';

export type {
  Adapted,
  Batch,
  CallOptions,
  Engine,
  MetaGradient,
  ModulationBatch,
  OuterLoss,
  Points,
} from './engine.ts';
export { maxThreads } from './threads.ts';
export type { Timing } from './timing.ts';

export interface EngineOptions {
  /** Cores to use; all by default. */
  readonly threads?: number | undefined;
  /**
   * Work on the thread that calls, and hold it until a call is done: for worker threads, each of which is a core of its own.
   * Engines that have threads anyhow (wasm, tfjs) take one instead.
   */
  readonly blocking?: boolean | undefined;
}

/** An engine, and what it runs on where there are several possibilities. */
interface Opened {
  readonly engine: Engine;
  readonly backend?: Backend;
}

export interface Backend {
  readonly name: string;
  /** Backends of higher rank, and why they are not used. */
  readonly absent: readonly { readonly backend: string; readonly why: string }[];
}

type Opener = (options: EngineOptions) => Promise<Opened>;

/** In order of choice. Loaded on demand: none costs anything until it is opened. */
const openers = {
  native: async (options) => ({ engine: await (await import('./native/native.ts')).openNative(options) }),
  wasm: async (options) => ({
    engine: await (await import('./wasm/wasm.ts')).openWasm(oneIfBlocking(options)),
  }),
  tfjs: async (options) => (await import('./tfjs/open.ts')).openTfjsEngine(oneIfBlocking(options)),
  reference: async () => ({ engine: await (await import('./reference/reference.ts')).openReference() }),
} satisfies Readonly<Record<string, Opener>>;

export type EngineName = keyof typeof openers;

export const engineNames = Object.keys(openers) as readonly EngineName[];

/**
 * The engine named by `choice`, else by the environment variable FUNCTA_ENGINE, else the first of `engineNames` that
 * opens. Throws BadInputError `unknown-engine`, or the EnvironmentError that says why the named one is not there.
 *
 * @example
 * const one = await openEngine('native', { threads: 1 });
 * await one.close();
 */
export async function openEngine(choice?: EngineName, options: EngineOptions = {}): Promise<Engine> {
  check('openEngine', maybe(aText)(choice, 'engine'), optionsOf({ threads: aNumber })(options, 'options'));
  const name = choice ?? engineNamed(process.env.FUNCTA_ENGINE);
  if (name !== undefined) return (await openerOf(name)(options)).engine;
  let reason: unknown;
  for (const open of Object.values(openers)) {
    try {
      return (await open(options)).engine;
    } catch (error) {
      if (!(error instanceof FunctaError) || error.kind !== 'environment') throw error;
      reason ??= error;
    }
  }
  throw reason;
}

function oneIfBlocking(options: EngineOptions): EngineOptions {
  return options.blocking ? { ...options, threads: 1 } : options;
}

/** The engine that a text names; undefined for none. Throws BadInputError `unknown-engine`. */
export function engineNamed(text: string | undefined): EngineName | undefined {
  if (!text) return undefined;
  const name = engineNames.find((known) => known === text);
  if (name !== undefined) return name;
  throw new BadInputError('unknown-engine', `no engine '${text}'; choose one of ${engineNames.join(', ')}`);
}

/** Names come from programs without types too. */
function openerOf(name: EngineName): Opener {
  return openers[engineNamed(name)!];
}

export type EngineState =
  | {
      readonly name: string;
      readonly present: true;
      readonly threads: number;
      readonly backend?: Backend;
      /** On small jobs, here and now. */
      readonly timing: Timing;
    }
  | {
      readonly name: string;
      readonly present: false;
      /** In one line. */
      readonly why: string;
    };

export interface ListOptions extends EngineOptions, TimingOptions {
  /** These alone; all by default. */
  readonly names?: readonly EngineName[] | undefined;
}

/**
 * Every engine in order of choice: whether it opens on this machine, and how fast it is on a small job, or why it is not
 * here. Throws AbortedError when stopped, BadInputError `unknown-engine`.
 *
 * @example
 * const states = await listEngines({ names: ['native'], rounds: 1 });
 */
export async function listEngines(options: ListOptions = {}): Promise<EngineState[]> {
  check(
    'listEngines',
    optionsOf({ names: listOf(aText, 'names'), threads: aNumber, rounds: aNumber })(options, 'options'),
  );
  const states: EngineState[] = [];
  for (const name of options.names ?? engineNames) states.push(await stateOf(name, options));
  return states;
}

async function stateOf(name: EngineName, options: ListOptions): Promise<EngineState> {
  const open = openerOf(name);
  let opened: Opened | undefined;
  try {
    opened = await open(options);
    const { engine, backend } = opened;
    const timing = await timeEngine(engine, options);
    return { name, present: true, threads: engine.threads, ...(backend && { backend }), timing };
  } catch (error) {
    if (error instanceof AbortedError) throw error;
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
    return { name, present: false, why: why! };
  } finally {
    await opened?.engine.close();
  }
}
