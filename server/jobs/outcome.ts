/** What the process of a job leaves for the server: which of the things in its directory are to be given a name, and its figures. */
import { readFile } from 'node:fs/promises';
import { sealJson, unsealJson } from '../../src/core/sealed.ts';
import { writeWhole } from '../../src/disk/whole.ts';
import type { JobPlaces } from './record.ts';

export interface Outcome {
  /** A store, below the directory of the work. */
  readonly functaset?: { readonly directory: string };
  /** A model's file, and files of priors that stand beside it, below the directory of the work. */
  readonly model?: {
    /** Absent: the model stays as it is, and gets the priors. */
    readonly file?: string;
    readonly id: string;
    readonly beside: readonly { readonly file: string; readonly kind: string }[];
  };
  /** What `/result` gives. */
  readonly file?: { readonly file: string; readonly mediaType: string };
  readonly figures: Readonly<Record<string, number>>;
}

const format = 'functa-job-outcome/1';

export async function writeOutcome({ outcome }: JobPlaces, value: Outcome): Promise<void> {
  await writeWhole(outcome, sealJson(format, value), { replace: true });
}

/** Undefined where the work is not done. */
export async function readOutcome({ outcome }: JobPlaces): Promise<Outcome | undefined> {
  const bytes = await readFile(outcome).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const about = { what: 'the outcome of a job', remedy: 'ask for the job again' };
  return unsealJson(format, new Uint8Array(bytes), about) as Outcome;
}
