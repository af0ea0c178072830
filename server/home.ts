/** Where the service keeps what it was given over HTTP: one directory, with a folder for each kind of thing. */
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConflictError } from '../src/core/errors.ts';
import { type Held, holdDirectory } from '../src/functaset/index.ts';
import { listModels, modelSuffix } from '../src/models/index.ts';
import type { ModelFile } from './catalogue.ts';

/** `home` holds functasets/NAMESPACE/NAME, models/NAMESPACE/NAME.safetensors, snapshots/NAMESPACE/NAME/, uploads/NAMESPACE/ID, jobs/ID and keys. */
export interface Home {
  readonly functasets: string;
  readonly models: string;
  readonly snapshots: string;
  readonly uploads: string;
  readonly jobs: string;
  readonly keys: string;
}

export function homeAt(directory: string): Home {
  return {
    functasets: join(directory, 'functasets'),
    models: join(directory, 'models'),
    snapshots: join(directory, 'snapshots'),
    uploads: join(directory, 'uploads'),
    jobs: join(directory, 'jobs'),
    keys: join(directory, 'keys'),
  };
}

export function functasetPath({ functasets }: Home, namespace: string, name: string): string {
  return join(functasets, namespace, name);
}

export function modelPath({ models }: Home, namespace: string, name: string): string {
  return join(models, namespace, `${name}${modelSuffix}`);
}

/** Model files that were put or made over HTTP, with the namespace of each. */
export async function modelFilesOf({ models }: Home): Promise<ModelFile[]> {
  const namespaces = await readdir(models).catch(() => []);
  const files = await Promise.all(
    namespaces.map(async (namespace) =>
      (await listModels([join(models, namespace)])).map((entry) => ({ ...entry, namespace })),
    ),
  );
  return files.flat();
}

/** Where a service keeps things unless it is told: `functa/service` in the user's directory of data (XDG Base Directory). */
export function defaultHome(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(environment.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'functa', 'service');
}

/** Makes a home where it is not there, for this server alone. Throws ConflictError `home-busy`, and what the disk says. */
export function holdHome(directory: string): Promise<Held> {
  return holdDirectory(
    directory,
    (path, who) =>
      new ConflictError(
        'home-busy',
        `${path} is the home of a server that runs (${who}); stop that one, or give another --home`,
      ),
  );
}

/** Throws ConflictError `no-home` where the server was started without one. */
export function homeOf({ home }: { readonly home: Home | undefined }): Home {
  if (home !== undefined) return home;
  throw new ConflictError(
    'no-home',
    'this server keeps nothing; start it with --home DIRECTORY to make functasets, jobs and models over HTTP',
  );
}
