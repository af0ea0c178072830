/** Models and stores that a worker keeps open; what changed on the disk is read again before it is used. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { generativeKinds } from '../../prior/kinds.ts';
import { classifierPath } from '../../src/classify/index.ts';
import { BugError, ConflictError, EnvironmentError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { fileStamp } from '../../src/disk/file.ts';
import type { Engine } from '../../src/engine/index.ts';
import type { Model } from '../../src/field/model.ts';
import { checkFile, type Functaset, openFunctaset } from '../../src/functaset/index.ts';
import { distilledPath, generativePath } from '../../src/models/generative.ts';
import { loadModel } from '../../src/models/index.ts';
import { NearIndexes, type QueryContext } from '../../src/query/index.ts';
import { modelOfNetworkFile, openSession, type Session } from '../../src/session/index.ts';
import { HttpFault } from '../http-fault.ts';

/** A model as a job names it. */
export interface ModelRef {
  readonly name: string;
  readonly path: string;
  /** The one that is meant: what stands at the path now may be another. */
  readonly id: string;
}

/** A functaset as a job names it. */
export interface FunctasetRef {
  readonly name: string;
  readonly path: string;
}

export interface OpenModel {
  readonly model: Model;
  readonly session: Session;
}

interface ShelvedModel extends OpenModel {
  readonly stamp: string;
}

interface ShelvedFunctaset {
  readonly stamp: string;
  readonly store: Functaset;
  /** By the network that their functions are evaluated with. */
  readonly indexes: Map<Model, NearIndexes>;
}

/** Stores that a thread has open at once. */
const mostOpen = 64;

export class Shelf {
  readonly engine: Engine;
  readonly limits: Limits;
  readonly #models = new Map<string, Promise<ShelvedModel>>();
  readonly #functasets = new Map<string, Promise<ShelvedFunctaset>>();

  constructor(engine: Engine, limits: Limits) {
    this.engine = engine;
    this.limits = limits;
  }

  /**
   * The model of a job. Throws HttpFault 503 `model-replaced` where another stands at its path by now, EnvironmentError
   * `model-unreadable` where none does.
   */
  async model(ref: ModelRef): Promise<OpenModel> {
    const found = await this.modelAt(ref);
    if (found.model.id === ref.id) return found;
    throw new HttpFault(
      503,
      'model-replaced',
      `model ${ref.name} was replaced on the disk and is being read again; repeat the request`,
      { 'retry-after': '1' },
    );
  }

  /** The model that a network file is; it is not kept. Throws what `modelOfNetworkFile` throws. */
  own(bytes: Uint8Array): OpenModel {
    const { engine, limits } = this;
    const model = modelOfNetworkFile(bytes, limits);
    return { model, session: openSession({ model, engine, limits }) };
  }

  /** Whatever model stands at a path now, as it is now. Throws EnvironmentError `model-unreadable`. */
  async modelAt({ name, path }: Omit<ModelRef, 'id'>): Promise<ShelvedModel> {
    const stamp = modelStamp(path);
    const known = await this.#models.get(path)?.catch(() => undefined);
    if (known?.stamp === stamp) return known;
    const loading = this.#load(name, path, stamp);
    this.#models.set(path, loading);
    loading.catch(() => this.#models.delete(path));
    return loading;
  }

  /** The store of a job, opened again where another stands at its path by now. Throws what `openFunctaset` and `checkFile` throw. */
  async store({ path }: FunctasetRef): Promise<Functaset> {
    return (await this.#functaset(path)).store;
  }

  /** Throws as `store`, and ConflictError `functaset-model` where the store is not of the model's network. */
  async functaset(
    ref: FunctasetRef,
    { model }: OpenModel,
  ): Promise<{ readonly store: Functaset; readonly indexes: NearIndexes }> {
    const { store, indexes } = await this.#functaset(ref.path);
    if (store.info.networkId !== model.networkId) {
      throw new ConflictError(
        'functaset-model',
        `functaset ${ref.name} is of network ${store.info.networkId.slice(0, 16)} and model ${model.card.name} of ${model.networkId.slice(0, 16)}; repeat the request`,
      );
    }
    let own = indexes.get(model);
    if (own === undefined) {
      own = new NearIndexes({ store, model, engine: this.engine });
      indexes.clear();
      indexes.set(model, own);
    }
    return { store, indexes: own };
  }

  /** What a filter is asked of, which holds no signal. Throws as `model` and `functaset`. */
  async asked(ref: FunctasetRef, of: ModelRef): Promise<QueryContext> {
    const open = await this.model(of);
    const { store, indexes } = await this.functaset(ref, open);
    const readSignal = () => Promise.reject(new BugError('a filter holds no signal'));
    const { engine, limits } = this;
    return { store, model: open.model, engine, indexes, limits, readSignal };
  }

  /** Closes the store at a path, which is gone: until then its room on the disk is not free. */
  async forget(path: string): Promise<void> {
    const known = await this.#functasets.get(path)?.catch(() => undefined);
    this.#functasets.delete(path);
    await known?.store.close();
  }

  /** Closes the store that was asked longest ago, where many are open. */
  async #makeRoom(): Promise<void> {
    const [oldest] = this.#functasets.keys();
    if (oldest !== undefined && this.#functasets.size >= mostOpen) await this.forget(oldest);
  }

  async #load(name: string, path: string, stamp: string): Promise<ShelvedModel> {
    try {
      const model = await loadModel(path);
      return { model, stamp, session: openSession({ model, engine: this.engine, limits: this.limits }) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new EnvironmentError(
        'model-unreadable',
        `model ${name} at ${path} cannot be read: ${reason}; put a whole model file there`,
        { cause: error },
      );
    }
  }

  async #functaset(path: string): Promise<ShelvedFunctaset> {
    const file = join(path, 'data.mdb');
    const stamp = identityOf(file);
    // A file that was cut short where it stands is still mapped: touching a page that is gone would end the process.
    if (stamp !== '') checkFile(file);
    const known = await this.#functasets.get(path)?.catch(() => undefined);
    if (known?.stamp === stamp) {
      // What was acknowledged before this job began is read by it.
      known.store.renew();
      this.#functasets.delete(path);
      this.#functasets.set(path, Promise.resolve(known));
      return known;
    }
    await known?.store.close();
    await this.#makeRoom();
    const opening = openFunctaset(path, { readOnly: true }).then((store) => ({
      stamp,
      store,
      indexes: new Map<Model, NearIndexes>(),
    }));
    this.#functasets.set(path, opening);
    opening.catch(() => this.#functasets.delete(path));
    return opening;
  }
}

/** What changes when a model's file does, or one of those beside it that it is used with. */
export function modelStamp(path: string): string {
  const beside = generativeKinds.map((kind) => generativePath(path, kind));
  return [path, ...beside, distilledPath(path), classifierPath(path)]
    .map((file) => fileStamp(file)?.stamp ?? '')
    .join(' ');
}

/** Which file it is, however often it was written; empty where there is none. */
function identityOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev}.${found.ino}`;
}
