/** From a data set to a functaset: a function for every signal, stored as its file. */

import type { Dataset } from '../../datasets/dataset.ts';
import { check } from '../core/check.ts';
import { AbortedError, ConflictError, FunctaError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { bitsPerPoint, meanPsnrOfItems } from '../core/units.ts';
import { pointCount } from '../field/spec.ts';
import type { Functaset, StoredFunction } from '../functaset/index.ts';
import { defaultBatch, openSession } from '../session/session.ts';
import { openFunctasetOf } from '../session/store.ts';
import type { Encoded } from '../session/types.ts';
import { modelFor } from '../signal/own-range.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import { optionsOfBuild } from './arguments.ts';
import { openData, openingForModel } from './data.ts';
import type { BuildOptions, BuildResult, SkippedSignal } from './types.ts';

const job = 'build';
/** Signals that are told one by one when they are skipped; the rest are counted. */
const toldFaults = 20;
const keptFaults = 100;

/**
 * Fits, codes and stores the signals of a data set, a batch at a time; `onFlushed` names those that are on the disk.
 * A signal of a set of files that cannot be read or coded is left out and told, unless `strict`. A build that was stopped or
 * killed goes on with `resume`, which leaves out what is stored. Throws ConflictError `functaset-not-empty` or
 * `functaset-network`, AbortedError, the first fault where all signals have one, and what storing throws; what was
 * acknowledged stays.
 *
 * @example
 * const { added } = await buildFunctaset({ data: 'fixture-fashion', path: 'built', model, engine });
 */
export async function buildFunctaset(options: BuildOptions): Promise<BuildResult> {
  check('buildFunctaset', optionsOfBuild(options, 'options'));
  const { model, path, split = 'all', resume = false } = options;
  const started = performance.now();
  // `path` is that of the store.
  const opening = openingForModel(model, { cacheDir: options.cacheDir });
  const { data, close } = await openData(options.data, split, opening);
  try {
    const store = await openFunctasetOf(model, path);
    try {
      if (store.count > 0 && !resume) {
        throw new ConflictError(
          'functaset-not-empty',
          `${path} holds ${store.count} functions already; resume the build, or choose another path`,
        );
      }
      const counts = await new Build(data, store, options).run();
      const seconds = (performance.now() - started) / 1000;
      options.onEvent?.({ type: 'end', job, done: store.count, seconds });
      return { path, ...counts, total: store.count, ...figuresOf(store), seconds };
    } finally {
      await store.close();
    }
  } finally {
    close();
  }
}

/** One walk over a data set, in its order. */
class Build {
  readonly #dataset: Dataset;
  readonly #store: Functaset;
  readonly #options: BuildOptions;
  readonly #session;
  readonly #found: number;
  /** Signals of one shape that wait to be coded together. */
  #pending: Signal[] = [];
  readonly #errors: number[] = [];
  #bytes = 0;
  #points = 0;
  #there = 0;
  #skipped = 0;
  readonly #faults: SkippedSignal[] = [];
  #first: unknown;
  /** How many signals each note was made of. */
  readonly #notes = new Map<string, number>();

  constructor(dataset: Dataset, store: Functaset, options: BuildOptions) {
    const { model, engine, limits = defaultLimits, limit } = options;
    this.#dataset = dataset;
    this.#store = store;
    this.#options = options;
    this.#session = openSession({ model, engine, limits });
    this.#found = Math.min(limit ?? dataset.length, dataset.length);
  }

  async run(): Promise<Pick<BuildResult, 'found' | 'added' | 'there' | 'skipped' | 'faults'>> {
    const { batch = defaultBatch, signal, onEvent } = this.#options;
    const found = this.#found;
    onEvent?.({ type: 'start', job, total: found, done: 0, unit: 'functions' });
    for (let i = 0; i < found; i++) {
      if (signal?.aborted) throw new AbortedError();
      const item = await this.#read(i);
      if (item === undefined) continue;
      const [first] = this.#pending;
      if (first !== undefined && first.shape.join() !== item.shape.join()) await this.#flush(i);
      this.#pending.push(item);
      if (this.#pending.length >= batch) await this.#flush(i + 1);
    }
    await this.#flush(found);
    if (this.#skipped > 0 && this.#skipped === found) throw this.#first;
    this.#tellLosses();
    const added = this.#errors.length;
    return { found, added, there: this.#there, skipped: this.#skipped, faults: this.#faults };
  }

  /** Item `i`, unless it is stored or skipped. */
  async #read(i: number): Promise<Signal | undefined> {
    const id = this.#dataset.idAt?.(i);
    try {
      const item = id !== undefined && this.#store.has(id) ? undefined : await this.#dataset.get(i);
      if (item === undefined || this.#store.has(item.id)) {
        this.#there++;
        return undefined;
      }
      checkFits(modelFor(this.#options.model, item), item);
      for (const note of item.notes ?? []) this.#notes.set(note, (this.#notes.get(note) ?? 0) + 1);
      return item;
    } catch (error) {
      this.#skip(id ?? `signal ${i}`, error);
      return undefined;
    }
  }

  async #flush(done: number): Promise<void> {
    const signals = this.#pending;
    if (signals.length === 0) return;
    this.#pending = [];
    try {
      await this.#encode(signals);
    } catch (error) {
      if (signals.length === 1) this.#skip(signals[0]!.id, error);
      else {
        if (!this.#skips(error)) throw error;
        // one of them is at fault, and which one the others need not know
        for (const signal of signals) {
          await this.#encode([signal]).catch((fault) => this.#skip(signal.id, fault));
        }
      }
    }
    const figures: Record<string, number> = {};
    if (this.#errors.length > 0) {
      figures.psnrDb = meanPsnrOfItems(this.#errors);
      figures.bitsPerPoint = bitsPerPoint(this.#bytes, this.#points);
    }
    this.#options.onEvent?.({ type: 'progress', job, done, total: this.#found, figures });
  }

  async #encode(signals: readonly Signal[]): Promise<void> {
    const { quality, effort, maxError, keep, prior, steps = 'asked', signal, onFlushed } = this.#options;
    const { items } = await this.#session.encodeMany(signals, {
      ...{ quality, effort, maxError, keep, prior, steps, signal },
      batch: signals.length,
      archive: false,
    });
    await this.#store.putMany(items.map((item, i) => stored(signals[i]!, item)));
    onFlushed?.(signals.map(({ id }) => id));
    for (const item of items) {
      this.#errors.push(item.mse);
      this.#bytes += item.bytes.length;
      this.#points += pointCount(item.shape);
    }
  }

  /** Leaves a signal out, or throws its fault. */
  #skip(id: string, error: unknown): void {
    if (!this.#skips(error)) throw error;
    const { code, message } = error;
    this.#first ??= error;
    this.#skipped++;
    if (this.#faults.length < keptFaults) this.#faults.push({ id, code, message });
    if (this.#skipped > toldFaults) return;
    this.#note(`left out ${id}: ${message} [${code}]`);
  }

  /** A fault of one signal, where each stands for itself; in a set of one shape it would be one of the set or the model. */
  #skips(error: unknown): error is FunctaError {
    if (this.#options.strict || this.#dataset.shape !== undefined) return false;
    return error instanceof FunctaError && ['input', 'stream', 'limit', 'notFound'].includes(error.kind);
  }

  #tellLosses(): void {
    if (this.#skipped > toldFaults) this.#note(`and ${this.#skipped - toldFaults} more were left out`);
    for (const [note, signals] of this.#notes) this.#note(`${signals} of ${this.#found}: ${note}`);
  }

  #note(message: string): void {
    this.#options.onEvent?.({ type: 'note', job, message });
  }
}

/** Of all functions of a store, damaged ones left out. */
function figuresOf(store: Functaset): Pick<BuildResult, 'psnrDbMeanOfItems' | 'bitsPerPoint'> {
  let [bytes, points, sum, known] = [0, 0, 0, 0];
  for (const { codedBytes, shape, psnrDb } of store.summaries({ onDamaged: () => {} })) {
    bytes += codedBytes;
    points += codedBytes > 0 ? pointCount(shape) : 0;
    if (Number.isNaN(psnrDb)) continue;
    sum += psnrDb;
    known++;
  }
  return {
    psnrDbMeanOfItems: known === 0 ? Number.NaN : sum / known,
    bitsPerPoint: bitsPerPoint(bytes, points),
  };
}

/** A signal that was coded, as a function to put. */
export function stored(
  { id, label }: Signal,
  { shape, psnrDb, estimatedBits, bytes }: Encoded,
): StoredFunction {
  return { id, label, shape, psnrDb, bits: estimatedBits, content: { kind: 'file', bytes } };
}
