/**
 * The door for any platform: functions read, asked and decoded in a browser, a worker, Deno or Node. No `node:` import, no package; a
 * bundler makes 140 kB of it. A model's file and `functa/functa.wasm` are the caller's to fetch.
 */
import { BadInputError } from './core/errors.ts';
import { defaultLimits, type Limits } from './core/limits.ts';
import { openWasmInline } from './engine/wasm/inline.ts';
import { type Model, readModel } from './field/model.ts';
import { type Func, openFunc } from './session/func.ts';
import { inlineCoding } from './session/inline-coding.ts';
import { inspect } from './session/inspect.ts';
import { modelOfNetworkFile } from './session/own-network.ts';
import type { Inspection, OpenFuncOptions } from './session/types.ts';

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
export type { Inspection, OpenFuncOptions } from './session/types.ts';
export type { Box } from './signal/box.ts';
export type { RowStream, Rows } from './signal/rows.ts';
export type { Signal } from './signal/signal.ts';

export interface ReaderOptions {
  /** The bytes of `functa/functa.wasm`. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** A model, or the bytes of its file; without one only files are read that are networks of their own. */
  readonly model?: Model | Uint8Array | undefined;
  readonly limits?: Limits | undefined;
}

/** Opens functions of one model. Work is done where it is called from: in a page, have a worker read. */
export interface Reader {
  readonly model: Model | undefined;
  /** Throws as `Session.open`; BadInputError `no-model` for a file that needs one. */
  open(bytes: Uint8Array, options?: OpenFuncOptions): Promise<Func>;
  /** Reads the header. Throws LimitError and BadStreamError. */
  inspect(bytes: Uint8Array): Inspection;
}

/**
 * A reader. Throws BadInputError `bad-wasm`, and what `readModel` throws.
 *
 * @example
 * const [wasm, model] = await Promise.all(['functa.wasm', 'model.safetensors'].map(async (url) => (await fetch(url)).bytes()));
 * const reader = await openReader({ wasm, model });
 * const fn = await reader.open(bytes);
 * const { shape, values } = await fn.decode({ size: '4x' });
 */
export async function openReader({
  wasm,
  model: given,
  limits = defaultLimits,
}: ReaderOptions): Promise<Reader> {
  const engine = await openWasmInline(wasm);
  const model = given instanceof Uint8Array ? readModel(given, limits) : given;
  return {
    model,
    inspect: (bytes) => inspect(bytes, model, limits),
    async open(bytes, { limits: own = limits, ...options } = {}) {
      const context = { model: modelFor(bytes, model, own), engine, work: inlineCoding, limits: own };
      return openFunc(context, bytes, options);
    },
  };
}

function modelFor(bytes: Uint8Array, model: Model | undefined, limits: Limits): Model {
  if (inspect(bytes, undefined, limits).kind === 'network') return modelOfNetworkFile(bytes, limits);
  if (model !== undefined) return model;
  throw new BadInputError('no-model', 'these bytes were coded by a model; give its file to openReader');
}
