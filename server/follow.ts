/** The catalogue follows the functasets of a shared database, whoever makes them or takes them away. */
import type { Catalogue } from './catalogue.ts';
import type { Pool } from './work/pool.ts';
import type { SharedFunctaset } from './writer/shared.ts';
import type { Writer } from './writer/writer.ts';

export interface Followed {
  /** Those that were there at first. Throws what opening the database throws. */
  readonly all: Promise<readonly SharedFunctaset[]>;
  into(catalogue: Catalogue): void;
}

export function followShared(pool: Pool, writer: Writer): Followed {
  let catalogue: Catalogue | undefined;
  let known: readonly SharedFunctaset[] = [];
  /** By their paths, those that the catalogue has, as they were looked at. */
  const served = new Map<string, string>();
  let last: Promise<unknown> = Promise.resolve();
  const follow = async (now: readonly SharedFunctaset[]) => {
    known = now;
    if (catalogue === undefined) return;
    for (const path of [...served.keys()]) {
      if (now.some((one) => one.path === path)) continue;
      served.delete(path);
      catalogue.removeFunctaset(path);
      pool.forget(path);
    }
    for (const one of now) {
      // one that stands at a known path may be another by now
      if (served.get(one.path) === one.uuid) continue;
      const { uuid, ...ref } = one;
      const isServed = await catalogue.addFunctaset(ref).then(
        () => true,
        () => false,
      );
      if (isServed) served.set(one.path, uuid);
    }
  };
  const changed = (now: readonly SharedFunctaset[]) => {
    last = last.then(() => follow(now)).catch(() => undefined);
  };
  return {
    all: writer.follow(changed).then((all) => {
      known = all;
      for (const { path, uuid } of all) served.set(path, uuid);
      return all;
    }),
    into(made) {
      catalogue = made;
      // what changed while it was made
      changed(known);
    },
  };
}
