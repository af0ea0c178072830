/**
 * The stores that are written to, each by one at a time. Requests that wait for a store are written in one transaction, so that one
 * flush of the disk is paid for all of them, and each is answered when that has returned. While it runs, the next ones gather.
 */
import { FunctaError } from '../../src/core/errors.ts';
import { placeDirectory, takeAway } from '../../src/disk/place.ts';
import { dropScratch, scratchBeside } from '../../src/disk/scratch.ts';

import {
  type Functaset,
  type FunctasetNetwork,
  type FunctasetTransaction,
  forsakeClaim,
  openFunctaset,
} from '../../src/functaset/index.ts';
import { apply, idsOf } from './apply.ts';
import type { OutcomeOf, WriteRequest } from './messages.ts';
import type { SharedStores } from './shared.ts';

export interface StoresOptions {
  readonly idleMs: number;
  /** Claims that this process left are taken over: whoever had them is gone. */
  readonly heir?: boolean | undefined;
  /** What stands in a database, with replicas here. */
  readonly shared?: SharedStores | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

interface Task {
  /** Absent: it has the store's place to itself, closed. */
  readonly request?: WriteRequest;
  readonly alone?: () => Promise<unknown>;
  resolve(outcome: unknown): void;
  reject(error: unknown): void;
}

interface Line {
  readonly path: string;
  readonly tasks: Task[];
  store: Functaset | undefined;
  usedAt: number;
  running: boolean;
}

/** Requests and bytes of one transaction. */
const mostRequests = 256;
const mostBytes = 2 ** 23;
/** Stores that are open at once. */
const mostOpen = 64;
/** Kinds of faults that are a request's own. */
const own: readonly string[] = ['input', 'stream', 'limit', 'notFound', 'conflict'];

export class Stores {
  readonly #options: StoresOptions;
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();

  constructor(options: StoresOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Resolves when what was asked is on the disk. Throws what the request meets, and what opening and writing a functaset throw. */
  write<R extends WriteRequest>(path: string, request: R): Promise<OutcomeOf<R>> {
    return this.#enter(path, { request }) as Promise<OutcomeOf<R>>;
  }

  /** Whether it was made; one that is there must be of the same network. Throws ConflictError `functaset-network`. */
  create(path: string, network: FunctasetNetwork): Promise<boolean> {
    const shared = this.#sharedAt(path);
    const alone = () => shared?.create(path, network) ?? create(path, network);
    return this.#enter(path, { alone }) as Promise<boolean>;
  }

  /** Gives the functaset in the directory `made` the name `path`. Throws as `placeDirectory`. */
  async adopt(made: string, path: string): Promise<void> {
    const shared = this.#sharedAt(path);
    await this.#enter(path, { alone: () => shared?.adopt(made, path) ?? placeDirectory(made, path) });
  }

  /** Takes a functaset away, at once and whole. */
  async drop(path: string): Promise<void> {
    const shared = this.#sharedAt(path);
    await this.#enter(path, { alone: () => shared?.drop(path) ?? takeAway(path) });
  }

  /** Closes what nobody wrote to for a while. */
  async closeIdle(): Promise<void> {
    const since = this.#now() - this.#options.idleMs;
    const idle = [...this.#lines.values()].filter(({ running, usedAt }) => !running && usedAt <= since);
    await Promise.all(idle.map((line) => this.#close(line)));
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) {
      while (line.running) await new Promise(setImmediate);
      await this.#close(line);
    }
    await this.#options.shared?.close();
  }

  #sharedAt(path: string): SharedStores | undefined {
    const { shared } = this.#options;
    return shared?.owns(path) ? shared : undefined;
  }

  #enter(path: string, task: Pick<Task, 'request' | 'alone'>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let line = this.#lines.get(path);
      if (line === undefined) {
        line = { path, tasks: [], store: undefined, usedAt: this.#now(), running: false };
        this.#lines.set(path, line);
      }
      line.tasks.push({ ...task, resolve, reject });
      if (line.running) return;
      line.running = true;
      const own = line;
      // What arrives with it goes with it.
      setImmediate(() => void this.#run(own));
    });
  }

  async #run(line: Line): Promise<void> {
    for (let group = nextGroup(line.tasks); group.length > 0; group = nextGroup(line.tasks)) {
      const [{ alone }] = group as [Task];
      if (alone !== undefined) await this.#alone(line, group[0]!, alone);
      else await this.#commit(line, group);
      line.usedAt = this.#now();
      await new Promise(setImmediate);
    }
    line.running = false;
  }

  async #alone(line: Line, task: Task, work: () => Promise<unknown>): Promise<void> {
    try {
      await this.#close(line);
      task.resolve(await work());
    } catch (error) {
      task.reject(error);
    }
  }

  async #commit(line: Line, group: readonly Task[]): Promise<void> {
    const now = this.#now();
    try {
      const work = (transaction: FunctasetTransaction) =>
        group.map(({ request }) => attempt(() => apply(transaction, request!, now)));
      const answers = group.flatMap(({ request }) =>
        request?.kind === 'put' && request.keep !== undefined ? [request.keep.key] : [],
      );
      const ids = group.flatMap(({ request }) => idsOf(request!));
      const shared = this.#sharedAt(line.path);
      const outcomes = await (shared === undefined
        ? (await this.#open(line)).transact(work, { answers: answers.length > 0 })
        : shared.commit(line.path, { ids, answers }, work));
      for (const [i, task] of group.entries()) settle(task, outcomes[i]!);
    } catch (error) {
      // Nothing of it was written; which of them there was no room for the others need not know. A database was waited for already.
      if (group.length === 1 || isOfDatabase(error)) for (const task of group) task.reject(error);
      else for (const task of group) await this.#commit(line, [task]);
    }
  }

  async #open(line: Line): Promise<Functaset> {
    if (line.store !== undefined) return line.store;
    const open = [...this.#lines.values()].filter(({ store }) => store !== undefined);
    if (open.length >= mostOpen) {
      const free = open.filter(({ running }) => !running).sort((a, b) => a.usedAt - b.usedAt)[0];
      if (free !== undefined) await this.#close(free);
    }
    if (this.#options.heir) forsakeClaim(line.path);
    line.store = await openFunctaset(line.path);
    return line.store;
  }

  async #close(line: Line): Promise<void> {
    const { store } = line;
    line.store = undefined;
    if (!line.running) this.#lines.delete(line.path);
    await store?.close();
  }
}

/** From the front: one that is alone, or requests of which no two write one id. */
function nextGroup(tasks: Task[]): Task[] {
  const group: Task[] = [];
  const ids = new Set<string>();
  let bytes = 0;
  for (let task = tasks[0]; task !== undefined && group.length < mostRequests; task = tasks[0]) {
    if (task.request === undefined) {
      if (group.length === 0) group.push(tasks.shift()!);
      return group;
    }
    const touched = idsOf(task.request);
    if (group.length > 0 && (bytes >= mostBytes || touched.some((id) => ids.has(id)))) return group;
    for (const id of touched) ids.add(id);
    if (task.request.kind === 'put')
      bytes += task.request.items.reduce((sum, { record }) => sum + record.bytes.length, 0);
    group.push(tasks.shift()!);
  }
  return group;
}

function isOfDatabase(error: unknown): boolean {
  return error instanceof FunctaError && error.code.startsWith('store-');
}

type Attempt = { readonly outcome: unknown } | { readonly fault: FunctaError };

function attempt(work: () => unknown): Attempt {
  try {
    return { outcome: work() };
  } catch (error) {
    if (error instanceof FunctaError && own.includes(error.kind)) return { fault: error };
    throw error;
  }
}

function settle(task: Task, attempted: Attempt): void {
  if ('fault' in attempted) task.reject(attempted.fault);
  else task.resolve(attempted.outcome);
}

/** Under another name first: a functaset is there whole or not at all. */
async function create(path: string, network: FunctasetNetwork): Promise<boolean> {
  const there = await openFunctaset(path, { network, readOnly: true }).catch((error: unknown) => {
    if (error instanceof FunctaError && error.code === 'functaset-missing') return undefined;
    throw error;
  });
  if (there !== undefined) {
    await there.close();
    return false;
  }
  const scratch = scratchBeside(path);
  try {
    const made = await openFunctaset(scratch, { network });
    await made.close();
    await placeDirectory(scratch, path);
    return true;
  } finally {
    dropScratch(scratch);
  }
}
