/** Where the service keeps what it was given over HTTP: one directory, with a folder for each kind of thing. */
import { join } from 'node:path';
import { ConflictError } from '../src/core/errors.ts';

/** `home` holds functasets/NAMESPACE/NAME, models/NAMESPACE/NAME.functa-model, jobs/ and keys. */
export interface Home {
  readonly functasets: string;
  readonly models: string;
  readonly jobs: string;
  readonly keys: string;
}

export function homeAt(directory: string): Home {
  return {
    functasets: join(directory, 'functasets'),
    models: join(directory, 'models'),
    jobs: join(directory, 'jobs'),
    keys: join(directory, 'keys'),
  };
}

/** Throws ConflictError `no-home` where the server was started without one. */
export function homeOf({ home }: { readonly home: Home | undefined }): Home {
  if (home !== undefined) return home;
  throw new ConflictError(
    'no-home',
    'this server keeps nothing; start it with --home DIRECTORY to make functasets, jobs and models over HTTP',
  );
}
