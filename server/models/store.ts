/** Models that are put, given priors and removed while the service runs. One thing at a time is done to one model. */
import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { distilledName, generativeKinds } from '../../prior/kinds.ts';
import { ConflictError } from '../../src/core/errors.ts';
import { ensureDirectory } from '../../src/disk/directory.ts';
import { placeFile } from '../../src/disk/place.ts';
import { pathBeside } from '../../src/models/beside.ts';
import type { ServedModel } from '../catalogue.ts';
import type { InNamespace, ServerContext } from '../context.ts';
import { homeOf, modelPath } from '../home.ts';
import { HttpFault } from '../http-fault.ts';

/** What stands beside a model: a prior with a file of its own, what draws for one in few steps, or a classifier. */
export const besideKinds = [...generativeKinds, distilledName, 'classifier'] as const;
export type BesideKind = (typeof besideKinds)[number];

export interface PutOptions {
  /** Only where none is there (`if-none-match: *`). */
  readonly onlyNew: boolean;
  /** Also where functasets belong to the network of the model that goes. */
  readonly force: boolean;
}

/** Names that say what kind of file one is: see src/models/beside.ts. */
const reserved: readonly string[] = ['model', ...besideKinds];

export class ModelStore {
  readonly #context: ServerContext;
  /** What is done to the model at a path, one thing after the other. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(context: ServerContext) {
    this.#context = context;
  }

  /**
   * Serves the file at `from`, which stays, under a name. Throws ConflictError `model-of-operator`, `model-needed`, `name-taken`; HttpFault
   * 412 `precondition-failed`; what reading a model throws, EnvironmentError `disk-full` or `cannot-write`.
   */
  async put(
    name: string,
    from: string,
    asker: InNamespace,
    { onlyNew, force }: PutOptions,
  ): Promise<{ readonly served: ServedModel; readonly isNew: boolean }> {
    const { namespace } = asker;
    const path = modelPath(homeOf(this.#context), namespace, name);
    this.#checkName(name);
    const { head } = await this.#context.pool.ask('checkModel', { path: from });
    return this.#inOrder(path, async () => {
      const before = this.#own(name, asker);
      if (before !== undefined && onlyNew)
        throw new HttpFault(
          412,
          'precondition-failed',
          `if-none-match does not hold: model ${name} is there`,
        );
      const other = before !== undefined && before.networkId !== head.networkId;
      if (other && !force) this.#checkNotNeeded(before, asker);
      await placeFile(from, path, { replace: true });
      if (other) await removeBeside(path);
      const { size: fileBytes } = await stat(path);
      const served = await this.#context.catalogue.addModel({ name, path, fileBytes, namespace });
      return { served, isNew: before === undefined };
    });
  }

  /** Puts a prior or a classifier beside a model of the asker's. Throws as `put`, ConflictError `prior-network`. */
  async putBeside(name: string, kind: BesideKind, from: string, asker: InNamespace): Promise<ServedModel> {
    const { path } = this.#mine(name, asker);
    return this.#inOrder(path, async () => {
      const { networkId, fileBytes, namespace } = this.#mine(name, asker);
      await this.#context.pool.ask('checkBeside', { path: from, kind, networkId });
      await placeFile(from, pathBeside(path, kind), { replace: true });
      return this.#context.catalogue.addModel({ name, path, fileBytes, namespace });
    });
  }

  /** Removes a prior or a classifier. Nothing happens where there is none. */
  async removeBeside(name: string, kind: BesideKind, asker: InNamespace): Promise<ServedModel> {
    const { path } = this.#mine(name, asker);
    return this.#inOrder(path, async () => {
      const { fileBytes, namespace } = this.#mine(name, asker);
      await rm(pathBeside(path, kind), { force: true });
      return this.#context.catalogue.addModel({ name, path, fileBytes, namespace });
    });
  }

  /** Serves a model no more, and removes its file and those beside it. Throws ConflictError `model-of-operator`, `model-needed`. */
  async remove(name: string, asker: InNamespace, { force }: Pick<PutOptions, 'force'>): Promise<void> {
    const { path } = this.#mine(name, asker);
    await this.#inOrder(path, async () => {
      const served = this.#mine(name, asker);
      if (!force) this.#checkNotNeeded(served, asker);
      this.#context.catalogue.removeModel(path);
      await rm(path, { force: true });
      await removeBeside(path);
    });
  }

  #own(name: string, { namespace }: InNamespace): ServedModel | undefined {
    const { models } = this.#context.catalogue;
    return models.find((served) => served.name === name && served.namespace === namespace);
  }

  /** Throws NotFoundError `unknown-model`, ConflictError `model-of-operator`. */
  #mine(name: string, asker: InNamespace): ServedModel {
    this.#checkName(name);
    const own = this.#own(name, asker);
    if (own !== undefined) return own;
    throw new HttpFault(404, 'unknown-model', `no model of yours is called ${name.slice(0, 128)}`);
  }

  #checkName(name: string): void {
    const { models, refused } = this.#context.catalogue;
    if (reserved.includes(name))
      throw new ConflictError('name-taken', `${name} says what kind of file one is; choose another name`);
    if ([...models, ...refused].some((served) => served.name === name && served.namespace === undefined))
      throw new ConflictError(
        'model-of-operator',
        `model ${name} is the operator's and is not changed over HTTP; choose another name`,
      );
  }

  /** Functasets without their network can be listed, and nothing more. */
  #checkNotNeeded({ name, path, networkId }: ServedModel, { namespace }: InNamespace): void {
    const { functasets, models } = this.#context.catalogue;
    const others = models.filter((model) => [undefined, namespace].includes(model.namespace));
    if (others.some((model) => model.networkId === networkId && model.path !== path)) return;
    const needing = functasets.filter((set) => set.networkId === networkId && set.namespace === namespace);
    if (needing.length === 0) return;
    const names = needing.slice(0, 5).map((set) => set.name);
    throw new ConflictError(
      'model-needed',
      `functasets belong to the network of ${name} (${names.join(', ')}${needing.length > 5 ? ', ...' : ''}); remove them, or say force=true`,
    );
  }

  #inOrder<T>(path: string, work: () => Promise<T>): Promise<T> {
    const next = (this.#last.get(path) ?? Promise.resolve()).then(() => {
      ensureDirectory(dirname(path));
      return work();
    });
    const settled = next.catch(() => undefined);
    this.#last.set(path, settled);
    void settled.then(() => this.#last.get(path) === settled && this.#last.delete(path));
    return next;
  }
}

async function removeBeside(path: string): Promise<void> {
  for (const kind of besideKinds) await rm(pathBeside(path, kind), { force: true });
}
