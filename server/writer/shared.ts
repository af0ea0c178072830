/**
 * The functasets of a database that several servers share, each with a replica on this disk that the threads which read open as any other
 * (docs/adr/0061). The writer alone writes to both: first to the database, then to the replica, so that what it has acknowledged is read here.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { takeAway } from '../../src/disk/place.ts';
import { replaceWhole } from '../../src/disk/whole.ts';
import {
  type FunctasetNetwork,
  type FunctasetTransaction,
  functionStoreOf,
  openFunctaset,
  type Touches,
} from '../../src/functaset/index.ts';
import {
  adoptFunctaset,
  createPostgresFunctaset,
  Database,
  dropPostgresFunctaset,
  type FunctasetName,
  forgetChanges,
  type Kept,
  type ListedFunctaset,
  listFunctasets,
  openPostgresFunctaset,
  Replica,
  type Shard,
} from '../../src/postgres/index.ts';

export interface ShareSetup {
  /** Address of the database. */
  readonly url: string;
  /** The directory that replicas stand in: NAMESPACE/NAME, and `+/NAME` for those of no namespace. */
  readonly root: string;
  /** Of each functaset, the part that is held here; undefined: all. */
  readonly shard?: Shard | undefined;
}

/** A functaset of the database that is served here. */
export interface SharedFunctaset {
  readonly name: string;
  readonly path: string;
  /** Undefined: it is everybody's. */
  readonly namespace: string | undefined;
  /** Tells it from an earlier one of its name. */
  readonly uuid: string;
}

interface SharedOptions extends ShareSetup {
  readonly heir: boolean;
  /** How much history there is for replicas that were away, and how often the rest is forgotten. */
  readonly kept?: (Kept & { readonly everyMs: number }) | undefined;
  /** Called with all there are, each time that they are others. */
  readonly changed: (all: readonly SharedFunctaset[]) => void;
}

interface Entry {
  readonly of: FunctasetName;
  readonly id: number;
  readonly uuid: string;
  readonly replica: Replica;
  isFollowing: boolean;
}

/** A directory whose name no namespace can have. */
const everybody = '+';
/** Notices may be missed; what was is found by looking so often. */
const lookMs = 5000;
const connections = 8;
/** A day and a million changes: about 100 MB, of a change each. */
const usualKept = { ageMs: 86_400_000, most: 1_000_000, everyMs: 600_000 };
/** Before a replica that could not follow tries again; each time twice as long. */
const firstDelayMs = 20;

export class SharedStores {
  readonly #options: SharedOptions;
  readonly #database: Database;
  /** By their paths. */
  readonly #entries = new Map<string, Entry>();
  /** What opens, closes or removes replicas, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #told = '';
  #stop: () => Promise<void> = async () => undefined;
  #timers: readonly ReturnType<typeof setInterval>[] = [];
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
    const kept = options.kept ?? usualKept;
    const forget = () => void forgetChanges(database, kept).catch(() => undefined);
    shared.#timers = [setInterval(look, lookMs), setInterval(forget, kept.everyMs)];
    return shared;
  }

  get all(): readonly SharedFunctaset[] {
    return [...this.#entries].map(([path, { of, uuid }]) => ({
      ...{ name: of.name, path, uuid },
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

  /** Makes a functaset of this disk one of the database, and removes it. Throws ConflictError `output-exists`. */
  async adopt(made: string, path: string): Promise<void> {
    // it was done by a process that ended before it could say so
    if (!existsSync(made) && this.#entries.has(path)) return;
    const uuid = await uuidOf(made);
    const local = functionStoreOf(await openFunctaset(made, { readOnly: true }));
    try {
      await adoptFunctaset(this.#database, this.#nameAt(path), local, uuid);
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
    await entry?.replica.applied(written).catch(() => this.#follow(entry));
    return written.result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
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
    found.replica.catchUp().catch(() => this.#follow(found));
  }

  /** Has a replica that could not follow try again, until it can or is no more. */
  #follow(entry: Entry): void {
    if (entry.isFollowing) return;
    entry.isFollowing = true;
    const isThere = () => !this.#closed && [...this.#entries.values()].includes(entry);
    const again = async () => {
      for (let delay = firstDelayMs; isThere(); delay = Math.min(2 * delay, lookMs)) {
        await new Promise((resolve) => setTimeout(resolve, delay).unref());
        const isDone = await entry.replica.catchUp().then(
          () => true,
          () => false,
        );
        if (isDone) break;
      }
      entry.isFollowing = false;
    };
    void again();
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
    const replica = await Replica.open(source, path, {
      heir: this.#options.heir,
      shard: this.#options.shard,
    });
    await replica.catchUp();
    const entry: Entry = { of, id, uuid, replica, isFollowing: false };
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

/** Of a functaset that is adopted, noted in it before anything is written: done again, it is known by this. */
async function uuidOf(made: string): Promise<string> {
  const file = join(made, 'adopted-as');
  const noted = await readFile(file, 'utf8').catch(() => undefined);
  if (noted !== undefined) return noted;
  const uuid = randomUUID();
  replaceWhole(file, (fresh) => writeFileSync(fresh, uuid));
  return uuid;
}
