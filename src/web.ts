/**
 * The door for any platform: functions read, asked and decoded in a browser, a worker, Deno or Node. No `node:` import, no package; the
 * kernel that evaluates is in it. A model's file is the caller's to fetch.
 */
import { aNumber, aShape, aText, check, floats, having, maybe } from './core/check.ts';
import { BadInputError } from './core/errors.ts';
import { defaultLimits, type Limits } from './core/limits.ts';
import { stoppable } from './core/look.ts';
import { openEvaluator } from './engine/reader/open.ts';
import { defaultQuality } from './field/at-quality.ts';
import { type Model, readModel } from './field/model.ts';
import { decode } from './session/coding.ts';
import { type Func, funcOf, openFunc } from './session/func.ts';
import { inspect } from './session/inspect.ts';
import { modelOfNetworkFile } from './session/own-network.ts';
import { checkModulation } from './session/put.ts';
import type { Inspection, ModulationOf, OpenFuncOptions } from './session/types.ts';

export {
  AbortedError,
  BadInputError,
  BadStreamError,
  BugError,
  ConflictError,
  EnvironmentError,
  type ErrorKind,
  FunctaError,
  LimitError,
  NotFoundError,
} from './core/errors.ts';
export { defaultLimits, type Limits, withLimits } from './core/limits.ts';
export type { ModelCard } from './field/card.ts';
export { type Model, readModel } from './field/model.ts';
export type { Func, FuncBytesOptions, FuncDecodeOptions, FuncKind } from './session/func.ts';
export { inspect } from './session/inspect.ts';
export type { Inspection, ModulationOf, OpenFuncOptions } from './session/types.ts';
export type { Box } from './signal/box.ts';
export type { RowStream, Rows } from './signal/rows.ts';
export type { Signal } from './signal/signal.ts';

export interface ReaderOptions {
  /** A model, or the bytes of its file; without one only files are read that are networks of their own. */
  readonly model?: Model | Uint8Array | undefined;
  readonly limits?: Limits | undefined;
}

/** Opens functions of one model. Work is done where it is called from: in a page, have a worker read. */
export interface Reader {
  readonly model: Model | undefined;
  /** Throws as `Session.open`; BadInputError `no-model` for a file that needs one. What it gives is neither fitted nor coded anew: BadInputError `reads-only`. */
  open(bytes: Uint8Array, options?: OpenFuncOptions): Promise<Func>;
  /** A modulation of the model, such as one between two others, as a function. Throws as `Session.func`; BadInputError `no-model`. */
  func(of: ModulationOf): Func;
  /** Reads the header. Throws LimitError and BadStreamError. */
  inspect(bytes: Uint8Array): Inspection;
}

/**
 * A reader. Throws EnvironmentError `wasm-refused`, and what `readModel` throws.
 *
 * @example
 * const reader = await openReader({ model: await (await fetch('model.safetensors')).bytes() });
 * const fn = await reader.open(bytes);
 * const { shape, values } = await fn.decode({ size: '4x' });
 */
export async function openReader({
  model: given,
  limits = defaultLimits,
}: ReaderOptions = {}): Promise<Reader> {
  const engine = await openEvaluator();
  const model = given instanceof Uint8Array ? readModel(given, limits) : given;
  const context = (of: Model, own: Limits) => ({ model: of, engine, work, fit: readsOnly, limits: own });
  return {
    model,
    inspect: (bytes) => inspect(bytes, model, limits),
    async open(bytes, { limits: own = limits, ...options } = {}) {
      return openFunc(context(modelFor(bytes, model, own), own), bytes, options);
    },
    func(of) {
      check('func', functionParts(of, 'function'));
      if (model === undefined) throw noModel();
      const { modulation, shape = model.card.shape, quality = defaultQuality, id = '0' } = of;
      checkModulation(model, modulation, shape);
      return funcOf(context(model, limits), { id, found: { modulation, shape, quality } });
    },
  };
}

const functionParts = having({
  modulation: floats,
  shape: maybe(aShape),
  quality: maybe(aNumber),
  id: maybe(aText),
});

const work: Parameters<typeof openFunc>[0]['work'] = {
  code: readsOnly,
  decode: async (model, task, signal) => stoppable(signal, () => decode(model, task)),
};

async function readsOnly(): Promise<never> {
  throw new BadInputError(
    'reads-only',
    'functa/web reads functions; what fits and codes them is the package functa, in Node, and the service',
  );
}

function modelFor(bytes: Uint8Array, model: Model | undefined, limits: Limits): Model {
  if (inspect(bytes, undefined, limits).kind === 'network') return modelOfNetworkFile(bytes, limits);
  if (model !== undefined) return model;
  throw noModel();
}

function noModel(): BadInputError {
  return new BadInputError(
    'no-model',
    'this takes the model that it was coded by; give its file to openReader',
  );
}
