/** Backups of functasets, and functasets of them. */
import {
  type Backup,
  backupFunctaset as backup,
  restoreFunctaset as restore,
} from '../../../src/functaset/index.ts';
import type { Made } from '../messages.ts';
import type { FunctasetRef, Shelf } from '../shelf.ts';

export async function backupFunctaset(
  _shelf: Shelf,
  { functaset, file }: { readonly functaset: FunctasetRef; readonly file: string },
  signal: AbortSignal,
): Promise<Made<Backup>> {
  return { head: await backup(functaset.path, file, { signal }) };
}

export async function restoreFunctaset(
  _shelf: Shelf,
  { file, path }: { readonly file: string; readonly path: string },
  signal: AbortSignal,
): Promise<Made<Backup>> {
  return { head: await restore(file, path, { signal }) };
}
