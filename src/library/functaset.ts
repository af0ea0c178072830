/** A functaset with its model and an engine: signals go in, functions come out, questions are answered. */
import type { Completion } from '../complete/complete.ts';
import { completeByFunctaset, type SetCompleteOptions } from '../complete/nearest.ts';
import { anObservation, type Observation } from '../complete/observation.ts';
import {
  aFlag,
  aLabel,
  aModel,
  aModelAndEngine,
  aNumber,
  anEngine,
  anObject,
  aSignal,
  aSize,
  aText,
  byteArray,
  type Check,
  check,
  floats,
  having,
  kind,
  listOf,
  maybe,
  optionsOf,
} from '../core/check.ts';
import { AbortedError, BadInputError, ConflictError, NotFoundError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import { headlessTypeOf, kindOf, wantedBy } from '../formats/formats.ts';
import { readSignalAs } from '../formats/read.ts';
import type {
  Functaset,
  FunctasetStats,
  Label,
  PutOptions,
  StoredFunction,
  VerifyReport,
} from '../functaset/index.ts';
import { openFunctaset as openStore, unknownFunction } from '../functaset/index.ts';
import { stored } from '../jobs/build.ts';
import { type FindModelOptions, findModelWith } from '../models/find.ts';
import {
  type CheckedAnswer,
  collectAnswer,
  NearIndexes,
  parseQuery,
  type QueryContext,
  type QueryInput,
  type QueryOptions,
  type Row,
  runQuery,
} from '../query/index.ts';
import { coding } from '../session/arguments.ts';
import type { Func } from '../session/func.ts';
import { functionOfFile, functionOfModulation } from '../session/put.ts';
import { defaultBatch, openSession } from '../session/session.ts';
import { openFunctasetOf } from '../session/store.ts';
import type { EncodeOptions, Session } from '../session/types.ts';
import type { Signal } from '../signal/signal.ts';

const addOptions = optionsOf({ ...coding, replace: aFlag });
/** One, or anything that gives one after the other. */
const someSignals: Check = (value, name) => {
  if (Array.isArray(value)) return listOf(aSignal, 'signals')(value, name);
  const many = kind(
    'a signal, or some of them',
    (given) => isWalked(given) || aSignal(given, name) === undefined,
  );
  return many(value, name);
};
const isWalked = (value: unknown) =>
  typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
const aTarget: Check = (value, name) =>
  typeof value === 'string' || aSignal(value, name) === undefined
    ? undefined
    : kind('the id of a function or a signal', () => false)(value, name);
const idOrIds: Check = (value, name) =>
  typeof value === 'string' ? undefined : listOf(aText, 'ids')(value, name);
const aPutFunction: Check = (value, name) => {
  const fault = having({ id: aText, label: maybe(aLabel), bytes: maybe(byteArray) }, oneToPut)(value, name);
  const one = value as Partial<Record<'bytes' | 'toBytes' | 'modulation', unknown>>;
  if (fault !== undefined || one.bytes !== undefined || 'toBytes' in one) return fault;
  return floats(one.modulation, `${name}.modulation`);
};
const oneToPut = 'a function: one that a session gave, or { id, bytes } or { id, modulation }';

export interface FunctasetSource {
  readonly model: Model;
  readonly engine: Engine;
  readonly limits?: Limits | undefined;
}

/** How signals are added: `encode`'s options, at the steps that the quality has of its own unless it says otherwise. */
export interface AddOptions extends EncodeOptions, PutOptions {}

/** A function to put: one that a session of this model gave, a `.functa` file, or a modulation of the network at `quality`. */
export type PutFunction =
  | Func
  | ({ readonly id: string; readonly label?: Label | undefined } & (
      | { readonly bytes: Uint8Array }
      | Modulated
    ));

interface Modulated {
  /** [m]; kept as half floats. */
  readonly modulation: Float32Array;
  readonly quality?: number | undefined;
  readonly shape?: readonly number[] | undefined;
}

export interface Neighbour extends Row {
  readonly id: string;
  readonly label: Label | null;
  /** Root mean square of the differences, in signal units; in the metrics `correlation` and `pitch` 1 - Pearson's. */
  readonly distance: number;
  /** Of a fragment that may lie `anywhere`: its first sample along each axis of this function. */
  readonly start?: readonly number[] | undefined;
}

export type NearOptions = Omit<Extract<QueryInput, { kind: 'near' }>, 'kind' | 'id' | 'signal'> &
  QueryOptions;

/** A page of an answer: what it says as a whole, its items, and the cursor of the next page. */
export type Answer = Row & { readonly items: readonly Row[]; readonly next: string | null };

/**
 * A new functaset of a model, empty. Throws ConflictError `functaset-not-empty` where there is one with functions in it, and what opening
 * a store throws.
 *
 * @example
 * const set = await createFunctaset('mine.functaset', { model, engine });
 * await set.add(signals);
 * const nearest = await set.near(signals[0]);
 */
export async function createFunctaset(path: string, source: FunctasetSource): Promise<OpenFunctaset> {
  check('createFunctaset', aText(path, 'path'), aModelAndEngine(source, 'source'));
  const store = await openFunctasetOf(source.model, path);
  const { count } = store;
  if (count === 0) return new OpenFunctaset(store, source);
  await store.close();
  throw new ConflictError(
    'functaset-not-empty',
    `${path} holds ${count} functions already; open it, or choose another path`,
  );
}

/**
 * A functaset that is there. Without a model the one of its network is taken, of those of the package and `beside`. Throws NotFoundError
 * `no-functaset`, `model-not-here`; ConflictError `functaset-network` for a model of another network.
 *
 * @example
 * const again = await openFunctaset('store.functaset', { engine, readOnly: true });
 * await again.close();
 */
export async function openFunctaset(
  path: string,
  options: Omit<FunctasetSource, 'model'> &
    FindModelOptions & { readonly model?: Model | undefined; readonly readOnly?: boolean | undefined },
): Promise<OpenFunctaset> {
  check(
    'openFunctaset',
    aText(path, 'path'),
    having({ engine: anEngine, model: maybe(aModel), readOnly: maybe(aFlag), limits: maybe(anObject) })(
      options,
      'options',
    ),
  );
  const model = options.model ?? (await modelOfStore(path, options));
  const store = await openFunctasetOf(model, path, { readOnly: options.readOnly });
  return new OpenFunctaset(store, { ...options, model });
}

async function modelOfStore(path: string, options: FindModelOptions): Promise<Model> {
  const store = await openStore(path, { readOnly: true });
  await store.close();
  const { networkId } = store.info;
  const { model, known } = await findModelWith((own) => own.networkId === networkId, options);
  if (model !== undefined) return model;
  throw new NotFoundError(
    'model-not-here',
    `the functaset belongs to network ${networkId.slice(0, 16)}, which is none of those here (${known.join(', ') || 'none'}); give its model`,
  );
}

/** See `createFunctaset` and `openFunctaset`. The engine stays the caller's to close. */
export class OpenFunctaset {
  readonly model: Model;
  /** The records themselves. */
  readonly store: Functaset;
  readonly session: Session;
  readonly #context: QueryContext;

  constructor(store: Functaset, { model, engine, limits = defaultLimits }: FunctasetSource) {
    this.store = store;
    this.model = model;
    this.session = openSession({ model, engine, limits });
    const { card } = model;
    this.#context = {
      ...{ store, model, engine, limits, indexes: new NearIndexes({ store, model, engine }) },
      readSignal: (bytes, { variable, grid }) =>
        readSignalAs(bytes, {
          ...wantedBy(card),
          ...{ variable, grid, id: 'the signal', limits, told: headlessTypeOf(kindOf(card)) },
        }),
    };
  }

  get path(): string {
    return this.store.path;
  }

  /** Functions in it. */
  get count(): number {
    return this.store.count;
  }

  /**
   * Fits, codes and stores signals under their ids, some at a time; resolves to the ids, all on the disk. Throws ConflictError
   * `function-exists` unless `replace`, and what coding throws; what was added before stays.
   */
  async add(
    signals: Signal | Iterable<Signal> | AsyncIterable<Signal>,
    asked: AddOptions = {},
  ): Promise<string[]> {
    check('add', someSignals(signals, 'signals'), addOptions(asked, 'options'));
    const { replace, ...options } = asked;
    const ids: string[] = [];
    const put = async (group: readonly Signal[]) => {
      if (options.signal?.aborted) throw new AbortedError();
      const { items } = await this.session.encodeMany(group, { steps: 'asked', ...options, archive: false });
      await this.store.putMany(
        items.map((item, i) => stored(group[i]!, item)),
        { replace },
      );
      ids.push(...group.map(({ id }) => id));
    };
    let group: Signal[] = [];
    for await (const signal of 'shape' in signals ? [signals] : signals) {
      group.push(signal);
      if (group.length < defaultBatch) continue;
      await put(group);
      group = [];
    }
    if (group.length > 0) await put(group);
    return ids;
  }

  /** Stores a function that comes as a file or a modulation. Throws as `add`, and what decoding it throws. */
  async put(fn: PutFunction, options?: PutOptions): Promise<void> {
    check('put', aPutFunction(fn, 'function'), optionsOf({ replace: aFlag })(options, 'options'));
    await this.store.put(await this.#record(fn), options);
  }

  /** The function of an id. Throws NotFoundError `unknown-function`, EnvironmentError `function-damaged`. */
  async get(id: string): Promise<Func> {
    check('get', aText(id, 'id'));
    const found = this.store.get(id);
    if (found === undefined) throw unknownFunction(this.path, id);
    return this.#open(found);
  }

  /** All functions, or those of a label, in order of ids. */
  async *functions(options: { readonly label?: Label | undefined } = {}): AsyncIterable<Func> {
    check('functions', optionsOf({ label: aLabel })(options, 'options'));
    const { label } = options;
    for (const found of label === undefined ? this.store.iterate() : this.store.byLabel(label))
      yield await this.#open(found);
  }

  /**
   * The nearest to a function of the set, by its id, or to a signal; nearest first, 10 unless `k` says otherwise. With `anywhere` what is given
   * is a fragment, which is looked for at every place of each function. Throws as `query`.
   *
   * @example
   * const [{ id, start }] = await set.near(fragment, { anywhere: true, metric: 'correlation' });
   */
  async near(to: string | Signal, options: NearOptions = {}): Promise<readonly Neighbour[]> {
    check('near', aTarget(to, 'to'), optionsOf()(options, 'options'));
    const { signal: abort, onProgress, onDamaged, ...request } = options;
    const what = typeof to === 'string' ? { id: to } : { signal: asInput(to), ...maskOfWeights(to) };
    const answer = await this.query(
      { kind: 'near', ...what, ...request },
      { signal: abort, onProgress, onDamaged },
    );
    return answer.items as readonly Neighbour[];
  }

  /**
   * The whole of a signal from a part of it, by the prior of this functaset: a Gaussian of its functions, or of the `nearest` of them that are
   * most like what was observed. Throws as `complete`; BadInputError `own-prior` where there are too few functions, `bad-nearest`.
   *
   * @example
   * const { completed } = await set.complete(observeMasked(signal, mask), { nearest: 1000 });
   */
  complete(observation: Observation, options: SetCompleteOptions = {}): Promise<Completion> {
    check(
      'complete',
      anObservation(observation, 'observation'),
      optionsOf({ nearest: aNumber, draws: aNumber, seed: aNumber, noise: aNumber, size: aSize, raw: aFlag })(
        options,
        'options',
      ),
    );
    return completeByFunctaset(this.#context, observation, options);
  }

  /** A page of the answer to any question; see `QueryInput`. Throws BadInputError `bad-query`, and what the kind of query throws. */
  async query(request: QueryInput, options?: QueryOptions): Promise<Answer> {
    return (await collectAnswer(await this.ask(request, options))) as Answer;
  }

  /** The same, its rows as they are found. */
  ask(request: QueryInput, options?: QueryOptions): Promise<CheckedAnswer> {
    return runQuery(this.#context, parseQuery(request), options);
  }

  /** Resolves to how many of these there were. */
  delete(ids: string | readonly string[]): Promise<number> {
    check('delete', idOrIds(ids, 'ids'));
    return this.store.deleteMany(typeof ids === 'string' ? [ids] : ids);
  }

  verify(): Promise<VerifyReport> {
    return this.store.verify();
  }

  stats(): Promise<FunctasetStats> {
    return this.store.stats();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** By its file, where it has one. Throws ConflictError `other-model`. */
  async #record(fn: PutFunction): Promise<StoredFunction> {
    const { model } = this;
    const { limits } = this.#context;
    const named = { id: fn.id, label: 'label' in fn ? fn.label : undefined };
    if ('bytes' in fn) return functionOfFile(model, fn.bytes, { ...named, limits });
    if ('toBytes' in fn) {
      if (fn.model.networkId !== model.networkId) {
        throw new ConflictError(
          'other-model',
          `function ${fn.id} is of model ${fn.model.card.name}, the functaset of ${model.card.name}; decode it and add the signal`,
        );
      }
      if (fn.ofFile) return functionOfFile(model, await fn.toBytes(), { ...named, limits });
    }
    const { modulation, quality, shape } = fn;
    return functionOfModulation(model, modulation, { ...named, quality, shape });
  }

  async #open({ id, shape, content }: StoredFunction): Promise<Func> {
    if (content.kind === 'file') return this.session.open(content.bytes, { name: id });
    return this.session.func({ modulation: content.values, shape, quality: content.quality, id });
  }
}

/** Points of no weight were not observed. Throws BadInputError `near-weights` for those that count otherwise. */
function maskOfWeights({ id, weights }: Signal): { readonly mask?: (0 | 1)[] } {
  if (weights === undefined) return {};
  if (weights.some((weight) => weight !== 0 && weight !== 1))
    throw new BadInputError(
      'near-weights',
      `points of ${id} have weights other than 0 and 1; near leaves out those of 0, so give these two or none`,
    );
  return { mask: Array.from(weights, (weight) => (weight === 0 ? 0 : 1)) };
}

/** NaN is a missing value, which JSON says by null. */
function asInput({ shape, values }: Signal) {
  return {
    shape: [...shape],
    values: Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
  };
}
