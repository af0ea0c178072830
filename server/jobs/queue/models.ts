/** Models of a shared database on this disk. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConflictError, NotFoundError } from '../../../src/core/errors.ts';
import { checkLimit } from '../../../src/core/limits.ts';
import { writeWhole } from '../../../src/disk/whole.ts';
import { readModel } from '../../../src/field/model.ts';
import { pathBeside } from '../../../src/models/beside.ts';
import { listModels, loadModel, modelSuffix } from '../../../src/models/index.ts';
import {
  changeSharedModel,
  type Database,
  findSharedModel,
  type ModelChange,
  type SharedFiles,
  type SharedModel,
  type Transaction,
} from '../../../src/postgres/index.ts';
import { besideKinds } from '../../models/store.ts';
import type { ModelRef } from '../../work/shelf.ts';
import { newId } from '../ids.ts';
import type { JobLimits } from '../limits.ts';
import type { JobInputs } from '../record.ts';
import { ownerOf, placeIn } from './record.ts';

export interface SharedModelsOptions {
  readonly database: Database;
  readonly files: SharedFiles;
  readonly limits: Pick<JobLimits, 'sharedBytes'>;
  readonly now: () => Date;
}

/** Files by their kinds: `model`, and those of what stands beside it. */
export type ModelFiles = Readonly<Record<string, string>>;

export class SharedModels {
  readonly #options: SharedModelsOptions;

  constructor(options: SharedModelsOptions) {
    this.#options = options;
  }

  get database(): Database {
    return this.#options.database;
  }

  /** Puts files of this disk in place of those of a model, within a transaction. Throws LimitError `limit-shared-bytes`. */
  async change(
    transaction: Transaction,
    of: Pick<SharedModel, 'namespace' | 'name'>,
    {
      digest,
      paths,
      gone = [],
      alone,
    }: Pick<ModelChange, 'digest' | 'alone'> & {
      readonly paths: ModelFiles;
      /** Kinds that go. */
      readonly gone?: readonly string[];
    },
  ): Promise<void> {
    const { files, limits, now } = this.#options;
    const changed: Record<string, string | null> = Object.fromEntries(gone.map((kind) => [kind, null]));
    for (const [kind, path] of Object.entries(paths)) {
      const bytes = await readFile(path);
      checkLimit('shared-bytes', bytes.length, limits.sharedBytes, 'give it to every server with --models');
      const id = newId(now());
      await files.keepIn(transaction.client, { id, namespace: of.namespace, kind: 'model' }, () =>
        once(bytes),
      );
      changed[kind] = id;
    }
    await changeSharedModel(transaction, of, { digest, alone, files: changed });
  }

  /** Puts models of this home that a job needs, and that are not in the database, there. */
  async share({ model, functaset }: JobInputs, root: string): Promise<void> {
    for (const ref of [model, functaset?.model]) {
      if (ref === undefined || ref.path === '') continue;
      const of = ownerOf(ref.path);
      const path = placeIn(root, ref.path);
      await this.database.transaction(async (transaction) => {
        const there = await findSharedModel(transaction.client, of);
        if (there?.digest === ref.id) return;
        await this.change(transaction, of, { digest: ref.id, paths: filesAt(path), alone: true });
      });
    }
  }

  /** Brings the files of a model to `path`, and beside it. */
  async fetch({ files }: SharedModel, path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    for (const kind of besideKinds) {
      if (files[kind] === undefined) await rm(pathBeside(path, kind), { force: true });
      else await this.#fetchFile(files[kind], pathBeside(path, kind));
    }
    // last: a model that is seen is there with all that belongs to it
    await this.#fetchFile(files.model!, path);
  }

  async #fetchFile(id: string, path: string): Promise<void> {
    await writeWhole(path, this.#options.files.read(id), { replace: true });
  }
}

/** The models that a worker works with: those of its directories, and those of the database by their digests. */
export class WorkerModels {
  readonly #shared: SharedModels;
  readonly #directories: readonly string[];
  readonly #root: string;

  constructor(shared: SharedModels, directories: readonly string[], root: string) {
    this.#shared = shared;
    this.#directories = directories;
    this.#root = root;
  }

  /** The model on this disk. Throws NotFoundError `unknown-model`, ConflictError `model-replaced`. */
  async bring(ref: ModelRef): Promise<ModelRef> {
    const path = ref.path === '' ? await this.#own(ref) : await this.#fetched(ref);
    return { ...ref, path };
  }

  async #own({ name, id }: ModelRef): Promise<string> {
    const entries = await listModels(this.#directories);
    // most often it is the one of the name
    const sorted = [...entries].sort((a, b) => Number(b.name === name) - Number(a.name === name));
    for (const { path } of sorted) {
      const model = await loadModel(path).catch(() => undefined);
      if (model?.id === id) return path;
    }
    throw new NotFoundError(
      'unknown-model',
      `model ${name} (${id.slice(0, 16)}) is not on the worker that took the job; start all workers with the --models of the servers`,
    );
  }

  async #fetched({ name, id, path }: ModelRef): Promise<string> {
    const place = join(this.#root, 'models', id, `${name}${modelSuffix}`);
    const there = await readFile(place).catch(() => undefined);
    if (there !== undefined && readModel(there).id === id) return place;
    const found = await this.#shared.database.query((client) => findSharedModel(client, ownerOf(path)));
    if (found?.digest !== id)
      throw new ConflictError(
        'model-replaced',
        `model ${name} was replaced or removed since this job was asked for; ask for it again`,
      );
    await this.#shared.fetch(found, place);
    return place;
  }
}

function filesAt(path: string): ModelFiles {
  const beside = besideKinds.map((kind) => [kind, pathBeside(path, kind)] as const);
  return { model: path, ...Object.fromEntries(beside.filter(([, file]) => existsSync(file))) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
