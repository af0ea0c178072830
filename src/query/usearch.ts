/** The package `usearch`, which finds neighbours by a graph and computes distances fast, where it is there. */
import { EnvironmentError } from '../core/errors.ts';
import { unbrokenUntil } from '../core/unbroken.ts';

export type Usearch = typeof import('usearch').default;

let library: Promise<Usearch | undefined> | undefined;

/** The package, or undefined where it is not installed or does not load. */
export function loadUsearch(): Promise<Usearch | undefined> {
  library ??= unbrokenUntil(() => import('usearch')).then(
    (found) => found.default,
    () => undefined,
  );
  return library;
}

export async function requiredUsearch(): Promise<Usearch> {
  const usearch = await loadUsearch();
  if (usearch !== undefined) return usearch;
  throw new EnvironmentError(
    'hnsw-absent',
    'the package usearch is not installed here, which makes graphs; ask for the method exact',
  );
}
