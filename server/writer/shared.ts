/**
 * The functasets of a database that several servers share, each with a replica on this disk that the threads which read open as any other
 * (docs/adr/0061). The writer alone writes to both: first to the database, then to the replica, so that what it has acknowledged is read here.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { takeAway } from '../../src/disk/place.ts';
import {
  copyFunctions,
  type FunctasetNetwork,
  type FunctasetTransaction,
  functionStoreOf,
  openFunctaset,
  type Touches,
} from '../../src/functaset/index.ts';
import {
  createPostgresFunctaset,
  Database,
  dropPostgresFunctaset,
  type FunctasetName,
  type ListedFunctaset,
  listFunctasets,
  openPostgresFunctaset,
  Replica,
} from '../../src/postgres/index.ts';

export interface ShareSetup {
  /** Address of the database. */
  readonly url: string;
  /** The directory that replicas stand in: NAMESPACE/NAME, and `+/NAME` for those of no namespace. */
  readonly root: string;
}

/** A functaset of the database that is served here. */
export interface SharedFunctaset {
  readonly name: string;
  readonly path: string;
  /** Undefined: it is everybody's. */
  readonly namespace: string | undefined;
}

interface SharedOptions extends ShareSetup {
  readonly heir: boolean;
  /** Called with all there are, each time that they are others. */
  readonly changed: (all: readonly SharedFunctaset[]) => void;
}

interface Entry {
  readonly of: FunctasetName;
  readonly id: number;
  readonly uuid: string;
  readonly replica: Replica;
}

/** A directory whose name no namespace can have. */
const everybody = '+';
/** Notices may be missed; what was is found by looking so often. */
const lookMs = 5000;
const connections = 8;

export class SharedStores {
  readonly #options: SharedOptions;
  readonly #database: Database;
  /** By their paths. */
  readonly #entries = new Map<string, Entry>();
  /** What opens, closes or removes replicas, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #told = '';
  #stop: () => Promise<void> = async () => undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  private constructor(options: SharedOptions, database: Database) {
    this.#options = options;
    this.#database = database;
  }

  /** Resolves when all replicas are as the database was when it was opened. Throws what opening databases and replicas throws. */
  static async open(options: SharedOptions): Promise<SharedStores> {
    const database = await Database.open(options.url, { connections, shownAs: 'the shared store' });
    const shared = new SharedStores(options, database);
    try {
      await shared.#look();
    } catch (error) {
      await shared.close();
      throw error;
    }
    const look = () => void shared.#look().catch(() => undefined);
    shared.#stop = database.listen('functa', (payload) => shared.#hear(payload), look);
    shared.#timer = setInterval(look, lookMs);
    return shared;
  }

  get all(): readonly SharedFunctaset[] {
    return [...this.#entries].map(([path, { of }]) => ({
      ...{ name: of.name, path },
      namespace: of.namespace === '' ? undefined : of.namespace,
    }));
  }

  /** Whether what stands, or would stand, at a path is a replica. */
  owns(path: string): boolean {
    const inside = relative(this.#options.root, path);
    return inside !== '' && !inside.startsWith('..') && inside.split(sep).length === 2;
  }

  /** Whether it was made. Throws ConflictError `functaset-network`. */
  async create(path: string, network: FunctasetNetwork): Promise<boolean> {
    const made = await createPostgresFunctaset(this.#database, this.#nameAt(path), network);
    await this.#look();
    return made;
  }

  /** Copies a functaset of this disk into a new one of the database, and removes it. Throws ConflictError `functaset-network`, `function-exists`. */
  async adopt(made: string, path: string): Promise<void> {
    // it was done by a process that ended before it could say so
    if (!existsSync(made) && this.#entries.has(path)) return;
    const local = functionStoreOf(await openFunctaset(made, { readOnly: true }));
    const of = this.#nameAt(path);
    try {
      const { format: _, ...network } = local.info;
      await createPostgresFunctaset(this.#database, of, network);
      await copyFunctions(local, await openPostgresFunctaset(this.#database, of, { network }));
    } finally {
      await local.close();
    }
    await this.#look();
    await rm(made, { recursive: true, force: true });
  }

  async drop(path: string): Promise<void> {
    await dropPostgresFunctaset(this.#database, this.#nameAt(path));
    await this.#look();
  }

  /** Resolves when it is in the database, and here. Throws as `PostgresFunctaset.transact`. */
  async commit<T>(
    path: string,
    touches: Touches,
    work: (transaction: FunctasetTransaction) => T,
  ): Promise<T> {
    if (!this.#entries.has(path)) await this.#look();
    const entry = this.#entries.get(path);
    const source = entry?.replica.source ?? (await openPostgresFunctaset(this.#database, this.#nameAt(path)));
    const written = await source.write(touches, work);
    // it is kept, whatever becomes of the replica: that is tried again
    await entry?.replica.applied(written).catch(() => undefined);
    return written.result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#stop();
    await this.#last.catch(() => undefined);
    await Promise.all(
      [...this.#entries.values()].map(({ replica }) => replica.close().catch(() => undefined)),
    );
    await this.#database.close();
  }

  /** `ID SEQ`: a functaset was written to; `functasets`: there are others. */
  #hear(payload: string): void {
    const id = Number(payload.split(' ', 1)[0]);
    const found = [...this.#entries.values()].find((entry) => entry.id === id);
    if (found === undefined) return void this.#look().catch(() => undefined);
    // one that cannot follow now is looked at again
    void found.replica.catchUp().catch(() => undefined);
  }

  /** Which functasets there are, and what was written to them. */
  #look(): Promise<void> {
    const next = this.#last.catch(() => undefined).then(() => this.#lookNow());
    this.#last = next;
    return next;
  }

  async #lookNow(): Promise<void> {
    if (this.#closed) return;
    const listed = new Map((await listFunctasets(this.#database)).map((one) => [this.#pathOf(one), one]));
    for (const [path, entry] of [...this.#entries]) {
      if (listed.get(path)?.uuid === entry.uuid) continue;
      this.#entries.delete(path);
      await entry.replica.close();
      if (!listed.has(path)) await takeAway(path);
    }
    for (const [path, one] of listed) {
      const entry = this.#entries.get(path) ?? (await this.#open(path, one));
      if (entry.replica.seq === undefined || entry.replica.seq < one.seq) await entry.replica.catchUp();
    }
    const text = JSON.stringify([...this.#entries].map(([path, { uuid }]) => [path, uuid]));
    if (text === this.#told) return;
    this.#told = text;
    this.#options.changed(this.all);
  }

  async #open(path: string, one: ListedFunctaset): Promise<Entry> {
    const { id, uuid, namespace, name } = one;
    const of = { namespace, name };
    const source = await openPostgresFunctaset(this.#database, of);
    const replica = await Replica.open(source, path, { heir: this.#options.heir });
    await replica.catchUp();
    const entry: Entry = { of, id, uuid, replica };
    this.#entries.set(path, entry);
    return entry;
  }

  #pathOf({ namespace, name }: FunctasetName): string {
    return join(this.#options.root, namespace === '' ? everybody : namespace, name);
  }

  #nameAt(path: string): FunctasetName {
    const [namespace = '', name = ''] = relative(this.#options.root, path).split(sep);
    return { namespace: namespace === everybody ? '' : namespace, name };
  }
}
