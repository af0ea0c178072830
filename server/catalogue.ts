/** The models and functasets that are served: what is known of them, looked at again when it may have changed. */
import type { ModelEntry } from '../src/models/index.ts';
import type { Pool } from './work/pool.ts';
import type { FunctasetRef, ModelRef } from './work/shelf.ts';
import type { ModelDescription } from './work/verbs/models.ts';

/** What the operator serves is everybody's; what was made over HTTP, its namespace's. */
export interface Owned {
  /** Undefined: the operator's. */
  readonly namespace?: string | undefined;
}

export interface ServedModel extends ModelRef, ModelDescription, Owned {
  readonly fileBytes: number;
}

export type ModelFile = ModelEntry & Owned;

export interface ServedFunctaset extends FunctasetRef, Owned {
  /** Of the store when it was last looked at. */
  readonly networkId: string;
}

/** A model file that cannot be served. */
export interface RefusedModel extends Owned {
  readonly name: string;
  /** Why, in one line. */
  readonly detail: string;
}

/** For so many milliseconds what was found is told without another look, which costs a job for each model. */
const freshMs = 1000;

export class Catalogue {
  readonly #pool: Pool;
  readonly #now: () => number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #entries: readonly ModelFile[];
  #models: readonly ServedModel[] = [];
  #refused: readonly RefusedModel[] = [];
  #functasets: readonly ServedFunctaset[] = [];
  #refreshing: Promise<void> | undefined;

  private constructor(pool: Pool, entries: readonly ModelFile[], now: () => number) {
    this.#pool = pool;
    this.#now = now;
    this.#entries = entries;
  }

  /** Looks at everything once. A model that cannot be read is refused; a functaset of the operator that cannot is an error. */
  static async open(
    pool: Pool,
    entries: readonly ModelFile[],
    functasets: readonly (FunctasetRef & Owned)[],
    now: () => number = () => performance.now(),
  ): Promise<Catalogue> {
    const catalogue = new Catalogue(pool, entries, now);
    await catalogue.#look();
    catalogue.#functasets = await inTurn(functasets, async (ref) => {
      const { name, path, namespace } = ref;
      const asked = pool.ask('summariseFunctaset', { functaset: { name, path } });
      // One that was made over HTTP and cannot be read keeps nobody from the others: who asks for it hears why.
      const found = await (namespace === undefined ? asked : asked.catch(() => undefined));
      return { ...ref, networkId: found?.head.networkId ?? '' };
    });
    return catalogue;
  }

  get models(): readonly ServedModel[] {
    return this.#models;
  }

  get refused(): readonly RefusedModel[] {
    return this.#refused;
  }

  get functasets(): readonly ServedFunctaset[] {
    return this.#functasets;
  }

  /** Serves a model file, in the place of one at the same path. Throws what reading it throws; all is then as it was. */
  async addModel(entry: ModelFile): Promise<ServedModel> {
    const served = await this.#describe(entry);
    const others = (of: readonly { readonly path: string }[]) => of.filter(({ path }) => path !== entry.path);
    this.#entries = [...(others(this.#entries) as ModelFile[]), entry];
    this.#models = [...(others(this.#models) as ServedModel[]), served].sort(byName);
    return served;
  }

  /** Serves a functaset, in the place of one at the same path. Throws what opening it throws. */
  async addFunctaset(ref: FunctasetRef & Owned): Promise<ServedFunctaset> {
    const { name, path } = ref;
    const { head } = await this.#pool.ask('summariseFunctaset', { functaset: { name, path } });
    const served = { ...ref, networkId: head.networkId };
    this.#functasets = [...this.#functasets.filter((other) => other.path !== path), served].sort(byName);
    return served;
  }

  /** Serves the model at a path no more. */
  removeModel(path: string): void {
    this.#entries = this.#entries.filter((entry) => entry.path !== path);
    this.#models = this.#models.filter((served) => served.path !== path);
  }

  /** Serves the functaset at a path no more. */
  removeFunctaset(path: string): void {
    this.#functasets = this.#functasets.filter((served) => served.path !== path);
  }

  /** What changed on the disk is looked at again; many may wait for one look. Never throws. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#lookAgain().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The same, but for what was looked at within the last second. Never throws. */
  async refreshOld(): Promise<void> {
    if (this.#now() - this.#lookedAt >= freshMs) await this.refresh();
  }

  async #lookAgain(): Promise<void> {
    await this.#look();
    const looked = this.#functasets;
    const now = await inTurn(looked, async (known) => {
      const { name, path } = known;
      // A store that is gone for now keeps its name: a request for it says what is wrong.
      const found = await this.#pool
        .ask('summariseFunctaset', { functaset: { name, path } })
        .catch(() => undefined);
      return found === undefined ? known : { ...known, networkId: found.head.networkId };
    });
    // what was added or removed while this looked is as that said
    this.#functasets = this.#functasets.map((known) => now[looked.indexOf(known)] ?? known);
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#now();
    const entries = this.#entries;
    const looked = await inTurn(entries, (entry) =>
      this.#describe(entry).catch((error: Error) => ({
        name: entry.name,
        path: entry.path,
        namespace: entry.namespace,
        detail: error.message,
      })),
    );
    // what was added, replaced or removed while this looked is as that said
    const changed = (path: string) => !entries.includes(this.#entries.find((entry) => entry.path === path)!);
    const since = this.#models.filter(({ path }) => changed(path));
    const still = looked.filter((_, i) => this.#entries.includes(entries[i]!));
    const found = still.filter((one): one is ServedModel => 'id' in one);
    this.#models = [...found, ...since].sort(byName);
    this.#refused = still
      .filter((one): one is Exclude<typeof one, ServedModel> => !('id' in one))
      .map(({ path: _, ...refused }) => refused);
  }

  async #describe({ name, path, fileBytes, namespace }: ModelFile): Promise<ServedModel> {
    const known = this.#models.find((served) => served.path === path);
    if (known !== undefined) {
      const { head: stamp } = await this.#pool.ask('stampOfModel', { path });
      if (stamp === known.stamp) return known;
    }
    const { head } = await this.#pool.ask('describeModel', { name, path });
    return { name, path, fileBytes, namespace, ...head };
  }
}

/** One after another: together they would start a thread each, which takes longer than what they do there. */
async function inTurn<T, R>(items: readonly T[], look: (item: T) => Promise<R>): Promise<R[]> {
  const seen: R[] = [];
  for (const item of items) seen.push(await look(item));
  return seen;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** A model as jobs name it. */
export function refOf({ name, path, id }: ServedModel): ModelRef {
  return { name, path, id };
}

/** A functaset as jobs name it. */
export function functasetRef({ name, path }: ServedFunctaset): FunctasetRef {
  return { name, path };
}
