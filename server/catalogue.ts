/** The models and functasets that are served: what is known of them, looked at again when it may have changed. */
import type { ModelEntry } from '../src/models/index.ts';
import type { Pool } from './work/pool.ts';
import type { FunctasetRef, ModelRef } from './work/shelf.ts';
import type { ModelDescription } from './work/verbs/models.ts';

export interface ServedModel extends ModelRef, ModelDescription {
  readonly fileBytes: number;
}

export interface ServedFunctaset extends FunctasetRef {
  /** Of the store when it was last looked at. */
  readonly networkId: string;
}

/** A model file that cannot be served. */
export interface RefusedModel {
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
  readonly #entries: readonly ModelEntry[];
  #models: readonly ServedModel[] = [];
  #refused: readonly RefusedModel[] = [];
  #functasets: readonly ServedFunctaset[] = [];
  #refreshing: Promise<void> | undefined;

  private constructor(pool: Pool, entries: readonly ModelEntry[], now: () => number) {
    this.#pool = pool;
    this.#now = now;
    this.#entries = entries;
  }

  /** Looks at everything once. A model that cannot be read is refused; a functaset that cannot is an error. */
  static async open(
    pool: Pool,
    entries: readonly ModelEntry[],
    functasets: readonly FunctasetRef[],
    now: () => number = () => performance.now(),
  ): Promise<Catalogue> {
    const catalogue = new Catalogue(pool, entries, now);
    await catalogue.#look();
    catalogue.#functasets = await Promise.all(
      functasets.map(async (ref) => {
        const { head } = await pool.ask('summariseFunctaset', { functaset: ref });
        return { ...ref, networkId: head.networkId };
      }),
    );
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
    this.#functasets = await Promise.all(
      this.#functasets.map(async (known) => {
        const { name, path } = known;
        // A store that is gone for now keeps its name: a request for it says what is wrong.
        const found = await this.#pool
          .ask('summariseFunctaset', { functaset: { name, path } })
          .catch(() => undefined);
        return found === undefined ? known : { name, path, networkId: found.head.networkId };
      }),
    );
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#now();
    const looked = await Promise.all(
      this.#entries.map(({ name, path, fileBytes }) =>
        this.#describe(name, path, fileBytes).catch((error: Error) => ({ name, detail: error.message })),
      ),
    );
    this.#models = looked.filter((found): found is ServedModel => 'id' in found);
    this.#refused = looked.filter((found): found is RefusedModel => !('id' in found));
  }

  async #describe(name: string, path: string, fileBytes: number): Promise<ServedModel> {
    const known = this.#models.find((served) => served.path === path);
    if (known !== undefined) {
      const { head: stamp } = await this.#pool.ask('stampOfModel', { path });
      if (stamp === known.stamp) return known;
    }
    const { head } = await this.#pool.ask('describeModel', { name, path });
    return { name, path, fileBytes, ...head };
  }
}

/** A model as jobs name it. */
export function refOf({ name, path, id }: ServedModel): ModelRef {
  return { name, path, id };
}

/** A functaset as jobs name it. */
export function functasetRef({ name, path }: ServedFunctaset): FunctasetRef {
  return { name, path };
}
