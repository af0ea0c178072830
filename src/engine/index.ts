/** Opens an engine by name, or the fastest that works here. */
import { BadInputError, FunctaError } from '../core/errors.ts';
import type { Engine } from './engine.ts';

export type { Adapted, Batch, CallOptions, Engine, MetaGradient, OuterLoss, Points } from './engine.ts';

export interface EngineOptions {
  /** Cores to use; all by default. */
  readonly threads?: number | undefined;
}

type Opener = (options: EngineOptions) => Promise<Engine>;

/** In order of choice. Loaded on demand: none costs anything until it is opened. */
const openers: Readonly<Record<string, Opener>> = {
  native: async (options) => (await import('./native/native.ts')).openNative(options),
  wasm: async (options) => (await import('./wasm/wasm.ts')).openWasm(options),
  reference: async () => (await import('./reference/reference.ts')).openReference(),
};

export const engineNames: readonly string[] = Object.keys(openers);

/**
 * The engine named by `choice`, else by the environment variable FUNCTA_ENGINE, else the first of `engineNames` that
 * opens. Throws BadInputError `unknown-engine`, or the EnvironmentError that says why the named one is not there.
 */
export async function openEngine(choice?: string, options: EngineOptions = {}): Promise<Engine> {
  const name = choice ?? process.env.FUNCTA_ENGINE;
  if (name) {
    const open = openers[name];
    if (!open) {
      throw new BadInputError(
        'unknown-engine',
        `no engine '${name}'; choose one of ${engineNames.join(', ')}`,
      );
    }
    return open(options);
  }
  let reason: unknown;
  for (const open of Object.values(openers)) {
    try {
      return await open(options);
    } catch (error) {
      if (!(error instanceof FunctaError) || error.kind !== 'environment') throw error;
      reason ??= error;
    }
  }
  throw reason;
}

export interface EngineState {
  readonly name: string;
  readonly present: boolean;
  /** Why it is not here. */
  readonly why?: string;
  readonly threads?: number;
}

/** Every engine, and whether it opens on this machine. */
export async function listEngines(): Promise<EngineState[]> {
  const states: EngineState[] = [];
  for (const [name, open] of Object.entries(openers)) {
    try {
      const engine = await open({});
      states.push({ name, present: true, threads: engine.threads });
      await engine.close();
    } catch (error) {
      states.push({ name, present: false, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return states;
}
