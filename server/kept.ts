/** The functasets that were made over HTTP: a directory for each under the home, NAMESPACE/NAME. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConflictError, FunctaError } from '../src/core/errors.ts';
import { sweepScratch } from '../src/disk/scratch.ts';
import type { FunctasetNetwork } from '../src/functaset/index.ts';
import type { Catalogue, Owned, ServedFunctaset } from './catalogue.ts';
import { functasetPath, type Home } from './home.ts';
import { checkName, namePattern } from './names.ts';
import type { Pool } from './work/pool.ts';
import type { FunctasetRef } from './work/shelf.ts';
import type { Writer } from './writer/writer.ts';

interface Keeping {
  readonly catalogue: Catalogue;
  readonly pool: Pool;
  readonly writer: Writer;
}

/** Those that are there. What was being made or taken away when the last server stopped is removed. */
export function functasetsOf({ functasets }: Home): (FunctasetRef & Owned)[] {
  return namesIn(functasets).flatMap((namespace) => {
    const directory = join(functasets, namespace);
    sweepScratch(directory);
    return namesIn(directory).map((name) => ({ name, path: join(directory, name), namespace }));
  });
}

/**
 * A new functaset, or the one of this name where it is of the same network. Throws BadInputError `bad-name`, ConflictError
 * `functaset-exists`, EnvironmentError `disk-full`, `disk-denied`.
 */
export async function keepFunctaset(
  { catalogue, writer }: Keeping,
  home: Home,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  network: FunctasetNetwork,
): Promise<{ readonly served: ServedFunctaset; readonly created: boolean }> {
  const path = functasetPath(home, checkName(namespace), checkName(name));
  // One directory for both, on a file system that takes them for one.
  const like = catalogue.functasets.find(
    (other) => other.namespace === namespace && other.name !== name && isLike(other.name, name),
  );
  if (like !== undefined)
    throw exists(`a functaset is called ${like.name}; choose a name that differs in more`);
  const created = await writer.create(path, network).catch((error: unknown) => {
    if (!(error instanceof FunctaError) || error.code !== 'functaset-network') throw error;
    throw exists(
      `a functaset is called ${name} already, of another model; delete it, or choose another name`,
    );
  });
  const known = catalogue.functasets.find((other) => other.path === path);
  return { served: known ?? (await catalogue.addFunctaset({ name, path, namespace })), created };
}

/** Takes a functaset away; the threads that read it close it. */
export async function dropFunctaset(
  { catalogue, pool, writer }: Keeping,
  { path }: ServedFunctaset,
): Promise<void> {
  await writer.drop(path);
  catalogue.removeFunctaset(path);
  pool.forget(path);
}

export function exists(message: string): ConflictError {
  return new ConflictError('functaset-exists', message);
}

function isLike(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Directories under names that can be asked for; there may be none. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && namePattern.test(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
