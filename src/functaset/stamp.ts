/** What a functaset is now, in a digest: what was made from one with another stamp is made again. */
import { createHash } from 'node:crypto';
import type { Functaset } from './types.ts';

/** The head of a store is looked at: two stores written alike differ there. */
const headFunctions = 16;

/** By store: the stamp of its last version. Each question asks for one, and the first functions take longer to read than many an answer. */
const known = new WeakMap<Functaset, { readonly version: number; readonly stamp: string }>();

/** What changes when a store does: its network, its count, its last transaction, and its first functions. */
export function stampOf(store: Functaset): string {
  // The version first: what is read after it is not older.
  const { version } = store;
  const before = known.get(store);
  if (before?.version === version) return before.stamp;
  const stamp = computed(store, version);
  known.set(store, { version, stamp });
  return stamp;
}

function computed(store: Functaset, version: number): string {
  const hash = createHash('sha256');
  hash.update(`${store.info.networkId} ${store.count} ${version}\n`);
  for (const { id, content } of store.iterate({ limit: headFunctions, onDamaged: () => {} })) {
    hash.update(`${id}\n`).update(content.kind === 'file' ? content.bytes : String(content.values));
  }
  return hash.digest('hex');
}
