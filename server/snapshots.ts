/**
 * Snapshots of functasets: `HOME/snapshots/NAMESPACE/FUNCTASET/ID.backup`, each with what is known of it in `ID.json` beside it, written last, so that
 * one without it is none. They outlive the functaset that they are of.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFoundError } from '../src/core/errors.ts';
import { sealJson, unsealJson } from '../src/core/sealed.ts';
import { sweepScratch } from '../src/disk/scratch.ts';
import { writeWhole } from '../src/disk/whole.ts';
import type { Backup } from '../src/functaset/index.ts';
import type { Home } from './home.ts';
import { HttpFault } from './http-fault.ts';
import { checkName, namePattern } from './names.ts';

export interface Snapshot extends Backup {
  readonly id: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Whose snapshots of which functaset. */
export interface SnapshotsOf {
  readonly namespace: string;
  readonly functaset: string;
}

const format = 'service-snapshot/1';
const suffix = '.json';

/** By age. */
export async function listSnapshots(home: Home, of: SnapshotsOf): Promise<Snapshot[]> {
  const directory = folder(home, of);
  const names = await readdir(directory).catch(() => [] as string[]);
  const ids = names.flatMap((name) => {
    const id = name.endsWith(suffix) ? name.slice(0, -suffix.length) : '';
    return namePattern.test(id) ? [id] : [];
  });
  return Promise.all(ids.sort().map((id) => read(directory, id)));
}

/** Throws NotFoundError `unknown-snapshot`, BadInputError `bad-name`. */
export async function findSnapshot(home: Home, of: SnapshotsOf, id: string): Promise<Snapshot> {
  const directory = folder(home, of);
  return read(directory, checkName(id)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new NotFoundError('unknown-snapshot', `functaset ${of.functaset} has no snapshot ${id}; list them`);
  });
}

/** Throws HttpFault 409 `too-many-snapshots`, and what `make` throws. */
export async function keepSnapshot(
  home: Home,
  of: SnapshotsOf,
  most: number,
  make: (file: string) => Promise<Backup>,
): Promise<Snapshot> {
  const directory = folder(home, of);
  mkdirSync(directory, { recursive: true });
  sweepScratch(directory);
  const there = await listSnapshots(home, of);
  if (there.length >= most) {
    const message = `functaset ${of.functaset} has ${most} snapshots, which is all that are kept; delete one`;
    throw new HttpFault(409, 'too-many-snapshots', message);
  }
  const createdAt = new Date().toISOString();
  const id = `${createdAt.replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
  const file = snapshotFile(home, of, id);
  try {
    const snapshot: Snapshot = { id, createdAt, ...(await make(file)) };
    await writeWhole(join(directory, `${id}${suffix}`), sealJson(format, snapshot), { replace: false });
    return snapshot;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** Throws as `findSnapshot`. */
export async function dropSnapshot(home: Home, of: SnapshotsOf, id: string): Promise<void> {
  await findSnapshot(home, of, id);
  await rm(join(folder(home, of), `${id}${suffix}`), { force: true });
  await rm(snapshotFile(home, of, id), { force: true });
}

export function snapshotFile(home: Home, of: SnapshotsOf, id: string): string {
  return join(folder(home, of), `${checkName(id)}.backup`);
}

function folder({ snapshots }: Home, { namespace, functaset }: SnapshotsOf): string {
  return join(snapshots, checkName(namespace), checkName(functaset));
}

async function read(directory: string, id: string): Promise<Snapshot> {
  const what = { what: `what is known of snapshot ${id}`, remedy: 'delete the snapshot' };
  return unsealJson(format, await readFile(join(directory, `${id}${suffix}`)), what) as Snapshot;
}
