/** Stores by their addresses: `lmdb:DIRECTORY` or a path, and `postgres://HOST/DATABASE#FUNCTASET`. */
import { basename } from 'node:path';
import { BadInputError } from '../core/errors.ts';
import {
  type FunctasetNetwork,
  type FunctionStore,
  functionStoreOf,
  openFunctaset,
} from '../functaset/index.ts';
import { type FunctasetName, isPostgres, parseAddress } from './address.ts';
import { Database } from './database.ts';
import { type CreateOptions, createPostgresFunctaset, openPostgresFunctaset } from './functasets.ts';

export interface OpenStoreOptions extends CreateOptions {
  /** Makes the store where it is not there. */
  readonly network?: FunctasetNetwork | undefined;
  readonly readOnly?: boolean | undefined;
  /** Of a functaset of a database whose address names none. */
  readonly name?: string | undefined;
}

/**
 * Throws BadInputError `store-url`, and what `openFunctaset`, `Database.open` and `openPostgresFunctaset` throw.
 *
 * @example
 * const store = await openFunctionStore('postgres://functa@db.example/functa#garments', { readOnly: true });
 */
export async function openFunctionStore(
  address: string,
  { network, readOnly = false, name, partitions }: OpenStoreOptions = {},
): Promise<FunctionStore> {
  if (!isPostgres(address)) {
    const path = address.replace(/^lmdb:/, '');
    return functionStoreOf(await openFunctaset(path, { network: readOnly ? undefined : network, readOnly }));
  }
  const of = functasetOf(address, name);
  const database = await Database.open(address, { readOnly });
  try {
    if (network !== undefined && !readOnly)
      await createPostgresFunctaset(database, of, network, { partitions });
    const set = await openPostgresFunctaset(database, of, { network, readOnly });
    const close = set.close.bind(set);
    set.close = async () => {
      await close();
      await database.close();
    };
    return set;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What a functaset of a store is called in another, where nobody says. */
export function nameOfStore(address: string): string {
  if (!isPostgres(address)) return basename(address.replace(/^lmdb:/, ''));
  return parseAddress(address).functaset?.name ?? 'functaset';
}

function functasetOf(address: string, name: string | undefined): FunctasetName {
  const { functaset, name: shown } = parseAddress(address);
  if (functaset !== undefined) return functaset;
  if (name !== undefined) return { namespace: '', name };
  throw new BadInputError('store-url', `${shown} names no functaset; give one after it: ${shown}#NAME`);
}
