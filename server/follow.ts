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
  let last: Promise<unknown> = Promise.resolve();
  const follow = async (now: readonly SharedFunctaset[]) => {
    const before = known;
    known = now;
    if (catalogue === undefined) return;
    for (const { path } of before) {
      if (now.some((one) => one.path === path)) continue;
      catalogue.removeFunctaset(path);
      pool.forget(path);
    }
    // one that stands at a known path may be another by now
    for (const one of now) await catalogue.addFunctaset(one).catch(() => undefined);
  };
  const changed = (now: readonly SharedFunctaset[]) => {
    last = last.then(() => follow(now)).catch(() => undefined);
  };
  return {
    all: writer.follow(changed).then((all) => {
      known = all;
      return all;
    }),
    into(made) {
      catalogue = made;
      // what changed while it was made
      changed(known);
    },
  };
}
