/**
 * The indexes of one functaset: read when they are first needed, made when there is none, and made again when the store is
 * no longer the one they are of. They stand in the directory of the store; where that cannot be written, in memory alone.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Multiply } from '../core/eigen.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { stoppable } from '../core/look.ts';
import { digestOfFile, digestOfFileSync } from '../disk/file.ts';
import { replaceWhole } from '../disk/whole.ts';
import type { Engine } from '../engine/engine.ts';
import { openMultiply } from '../engine/tfjs/multiply.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { type Fault, type Functaset, type StoredFunction, stampOf } from '../functaset/index.ts';
import { type OpenFunction, openFunctions } from '../session/functions.ts';
import { fitOfSamples } from '../session/modulation.ts';
import {
  type Embedding,
  embed,
  gridOf,
  gridSampled,
  inputOfGram,
  type Metric,
  makeEmbedding,
} from './embedding.ts';
import { IdTable, type IndexParts, readIndex, writeIndex } from './index-file.ts';
import { groupsOf, pointsOf, type Ranged, valuesOnScale } from './places.ts';
import type { QueryOptions } from './types.ts';
import { Vectors } from './vectors.ts';

export interface NearIndex extends IndexParts {
  /** Of the file: names the graph that belongs to it. */
  readonly sha256: string;
}

/** End of the name that stands for a graph that would not find what is in it. */
const refused = 'refused.graph';
/** Of a SHA-256 in a file's name. */
const digits = 16;
/** Functions whose axes are those of all, spread evenly over the store, at most; and their numbers. */
const sampled = 2000;
const sampledNumbers = 2 ** 24;

interface Source {
  readonly store: Functaset;
  readonly model: Model;
  readonly engine: Engine;
}

/** Signals of those who wait for an index; undefined: of one who does not stop waiting. */
type Callers = Set<AbortSignal | undefined>;

export class NearIndexes {
  readonly #source: Source;
  readonly #multiply: Multiply;
  readonly #open = new Map<Metric, Promise<NearIndex>>();
  readonly #linking = new Map<Metric, Promise<boolean>>();
  readonly #callers = new WeakMap<Promise<NearIndex>, Callers>();

  constructor(source: Source) {
    this.#source = source;
    this.#multiply = openMultiply(source.engine.threads);
  }

  get multiply(): Multiply {
    return this.#multiply;
  }

  /**
   * The index of the store as it is now. Many may wait for one that is being made; a caller that stops waiting leaves the
   * others theirs, and the last one that stops ends the making. Throws AbortedError, BadInputError `empty-functaset`, `gram-shape`.
   */
  async get(metric: Metric, { signal, onProgress }: QueryOptions = {}): Promise<NearIndex> {
    const stamp = stampOf(this.#source.store);
    const known = this.#open.get(metric);
    if (known !== undefined) {
      const index = await this.#joined(known, signal);
      if (index.stamp === stamp) return index;
    }
    // Another caller may have begun while this one looked.
    const begun = this.#open.get(metric);
    if (begun !== undefined && begun !== known) return this.#joined(begun, signal);
    this.#linking.delete(metric);
    const callers: Callers = new Set([signal]);
    const making = this.#readOrMake(metric, stamp, callers, onProgress);
    this.#callers.set(making, callers);
    this.#open.set(metric, making);
    making
      .catch(() => {
        if (this.#open.get(metric) === making) this.#open.delete(metric);
      })
      .finally(() => this.#callers.delete(making));
    return orAborted(making, signal);
  }

  /** Sees to the graph of an index; false where none finds what is in it. Throws EnvironmentError `hnsw-absent`, AbortedError. */
  async link(metric: Metric, index: NearIndex, { signal, onProgress }: QueryOptions = {}): Promise<boolean> {
    if (index.vectors.hasGraph) return true;
    let linking = this.#linking.get(metric);
    if (linking === undefined) {
      linking = this.#readOrLink(metric, index, onProgress);
      this.#linking.set(metric, linking);
      linking.catch(() => this.#linking.delete(metric));
    }
    return orAborted(linking, signal);
  }

  /** An index that others began counts this caller too: it is made for as long as anyone waits for it. */
  #joined(making: Promise<NearIndex>, signal: AbortSignal | undefined): Promise<NearIndex> {
    this.#callers.get(making)?.add(signal);
    return orAborted(making, signal);
  }

  async #readOrMake(
    metric: Metric,
    stamp: string,
    callers: Callers,
    onProgress: QueryOptions['onProgress'],
  ): Promise<NearIndex> {
    const path = join(this.#source.store.path, `near-${metric}.index`);
    const found = readIndex(path, stamp);
    if (found !== undefined) return found;
    const made = await makeIndex(metric, stamp, this.#source, this.#multiply, callers, onProgress);
    try {
      return { ...made, sha256: writeIndex(path, made) };
    } catch {
      // A store that can only be read: the index lives as long as this process.
      return { ...made, sha256: '' };
    }
  }

  /**
   * A graph is called by the digests of its index and of itself: one that is not what its name says is none. Of an index that no
   * graph was found for, an empty file is kept, so that none is looked for again.
   */
  async #readOrLink(
    metric: Metric,
    { vectors, sha256 }: NearIndex,
    onProgress: QueryOptions['onProgress'],
  ): Promise<boolean> {
    const { path: directory } = this.#source.store;
    const own = `near-${metric}.${sha256.slice(0, digits)}.`;
    const graphs = (prefix: string) =>
      readdirSync(directory).filter((name) => name.startsWith(prefix) && name.endsWith('.graph'));
    for (const name of sha256 === '' ? [] : graphs(own)) {
      if (name === `${own}${refused}`) return false;
      const path = join(directory, name);
      if (
        name === `${own}${(await digestOfFile(path)).slice(0, digits)}.graph` &&
        (await vectors.loadGraph(path))
      )
        return true;
    }
    const linked = await vectors.link({ onProgress });
    if (sha256 === '') return linked;
    try {
      const before = graphs(`near-${metric}.`);
      let kept = `${own}${refused}`;
      const path = join(directory, kept);
      if (!linked) replaceWhole(path, (fresh) => writeFileSync(fresh, ''));
      else {
        const graph = (fresh: string) => {
          kept = `${own}${digestOfFileSync(fresh).slice(0, digits)}.graph`;
          return join(directory, kept);
        };
        replaceWhole(path, (fresh) => vectors.saveGraph(fresh), graph);
      }
      for (const name of before) if (name !== kept) rmSync(join(directory, name), { force: true });
    } catch {
      // A store that can only be read: the graph lives as long as this process.
    }
    return linked;
  }
}

async function makeIndex(
  metric: Metric,
  stamp: string,
  source: Source,
  multiply: Multiply,
  callers: Callers,
  onProgress: QueryOptions['onProgress'],
): Promise<IndexParts> {
  const { store, model } = source;
  const total = store.count;
  if (total === 0) throw new BadInputError('empty-functaset', 'the functaset holds no functions to search');
  const sample = await sampleOf(source, total);
  // Functions of samples have a modulation at any quality.
  const first = sample.find((fn) => !('samples' in fn));
  const quality = first === undefined || 'samples' in first ? defaultQuality : first.quality;
  const inputs = await inputsOf(metric, source, sample, quality);
  const stop = {
    get aborted() {
      return [...callers].every((signal) => signal?.aborted);
    },
  };
  const embedding = stoppable(stop, () =>
    makeEmbedding(metric, model, sample.length, inputs, multiply, quality),
  );
  const ids: string[] = [];
  const damaged: Fault[] = [];
  const onDamaged = (fault: Fault) => damaged.push(fault);
  const vectors = new Vectors(total, embedding.dimensions);
  for (const page of groupsOf(limited(store.iterate({ onDamaged }), total), 512)) {
    if (stop.aborted) throw new AbortedError();
    const group = await openFunctions(source, page, { onDamaged });
    if (group.length === 0) continue;
    const embedded = await embedFunctions(embedding, source, group, true, multiply);
    for (const [i, { id }] of group.entries()) {
      const vector = embedded.subarray(i * embedding.dimensions, (i + 1) * embedding.dimensions);
      if (!vector.every(Number.isFinite)) {
        onDamaged({ id, code: 'field-not-finite', message: 'its values are not finite numbers' });
        continue;
      }
      vectors.set(ids.length, vector);
      ids.push(id);
    }
    onProgress?.(ids.length, total);
  }
  // Rows of functions that are damaged, or went away meanwhile, which changed the stamp: then the next query makes the index again.
  while (ids.length < total) ids.push('');
  return { stamp, embedding, ids: IdTable.of(ids), vectors, damaged };
}

/** Vectors [n, dimensions] of functions; `stored`: with what the axes leave out. */
export async function embedFunctions(
  embedding: Embedding,
  source: Omit<Source, 'store'>,
  functions: readonly Ranged[],
  stored: boolean,
  multiply: Multiply,
): Promise<Float32Array> {
  return embed(
    embedding,
    await inputsOf(embedding.metric, source, functions, embedding.quality),
    stored,
    multiply,
  );
}

/** [n, inputs]: values on the grid, or modulations, those of samples as plain fits. */
async function inputsOf(
  metric: Metric,
  { model, engine }: Omit<Source, 'store'>,
  functions: readonly Ranged[],
  quality: number,
): Promise<Float32Array> {
  const rows: Float32Array[] = [];
  if (metric === 'gram') {
    for (const fn of functions) {
      const own = 'samples' in fn ? await fitOfSamples({ model, engine }, fn, { quality }) : fn;
      rows.push(inputOfGram(model, own, quality));
    }
  } else {
    const points = pointsOf(gridOf(model.card.shape));
    for await (const { values } of valuesOnScale({ engine, model }, functions, points)) rows.push(values);
  }
  const inputs = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * inputs);
  rows.forEach((row, i) => {
    all.set(row, i * inputs);
  });
  return all;
}

/** Damaged functions are left out. Throws BadInputError `empty-functaset` when nothing else is there. */
async function sampleOf(source: Source, total: number): Promise<OpenFunction[]> {
  const { shape, spec } = source.model.card;
  const most = Math.max(
    64,
    Math.min(sampled, Math.floor(sampledNumbers / (gridSampled(shape).points * spec.outputs))),
  );
  const stride = Math.max(1, Math.floor(total / most));
  const chosen: StoredFunction[] = [];
  const onDamaged = () => {};
  let i = 0;
  for (const fn of source.store.iterate({ onDamaged })) {
    if (i++ % stride === 0) chosen.push(fn);
    if (chosen.length === most) break;
  }
  const sample = await openFunctions(source, chosen, { onDamaged });
  if (sample.length > 0) return sample;
  throw new BadInputError(
    'empty-functaset',
    'no function of the functaset can be read; check it: functa store verify',
  );
}

function* limited(functions: Iterable<StoredFunction>, most: number): Generator<StoredFunction> {
  let left = most;
  for (const fn of functions) {
    if (left-- <= 0) return;
    yield fn;
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) return Promise.reject(new AbortedError());
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new AbortedError());
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
