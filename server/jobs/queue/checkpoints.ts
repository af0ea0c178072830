/**
 * The files from which a job goes on, in the database while it is at work: those of its directory of work, kept each time that the work says
 * that it has written a checkpoint. What is written while others are being kept is kept after that, the last of it.
 */
import { createReadStream, type Stats } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FunctaError } from '../../../src/core/errors.ts';
import { writeWhole } from '../../../src/disk/whole.ts';
import {
  type Checkpoint,
  type Database,
  keepCheckpoint,
  type SharedFiles,
  type Turn,
} from '../../../src/postgres/index.ts';
import { newId } from '../ids.ts';
import type { JobLimits } from '../limits.ts';
import type { JobPlaces } from '../record.ts';

export interface CheckpointsOptions {
  readonly database: Database;
  readonly files: SharedFiles;
  /** What is larger stays on the disk of the worker alone. */
  readonly limits: Pick<JobLimits, 'sharedBytes'>;
  readonly now: () => Date;
  /** Of faults that the next checkpoint may mend. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

interface FileState {
  readonly name: string;
  /** Changes with what is in it: files are written beside their names and renamed. */
  readonly mark: string;
  readonly bytes: number;
}

/** What the work itself does not need to go on. */
const left: readonly string[] = ['outcome.json'];

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #turn: Turn;
  readonly #work: string;
  /** By name: what is kept, and what it was kept of. */
  #kept = new Map<string, { readonly id: string; readonly mark: string }>();
  #keeping: Promise<void> | undefined;
  #again = false;

  constructor(turn: Turn, places: JobPlaces, options: CheckpointsOptions) {
    this.#turn = turn;
    this.#work = places.work;
    this.#options = options;
  }

  /** Puts what an earlier turn kept where the work looks for it. Of files that are damaged, or gone, the work has none. */
  async bring(): Promise<void> {
    const checkpoint = (this.#turn.job.checkpoint ?? {}) as Checkpoint;
    for (const [name, id] of Object.entries(checkpoint)) {
      const path = join(this.#work, name);
      await mkdir(this.#work, { recursive: true });
      try {
        await writeWhole(path, this.#options.files.read(id), { replace: true });
        this.#kept.set(name, { id, mark: markOf(await stat(path)) });
      } catch (error) {
        if (!(error instanceof FunctaError) || !['no-file', 'store-damaged'].includes(error.code))
          throw error;
        await rm(path, { force: true });
      }
    }
  }

  /** There is a new one. */
  keep(): void {
    this.#again = true;
    this.#keeping ??= this.#keepOn().finally(() => {
      this.#keeping = undefined;
    });
  }

  /** Resolves when nothing is being kept. */
  async settled(): Promise<void> {
    await this.#keeping;
  }

  async #keepOn(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#keepNow().catch((error: unknown) => this.#options.onFault?.(error));
    }
  }

  async #keepNow(): Promise<void> {
    const { database, files, limits, now } = this.#options;
    const there = await this.#files();
    if (there.reduce((sum, { bytes }) => sum + bytes, 0) > limits.sharedBytes) return;
    const { namespace } = this.#turn.job;
    let kept = new Map<string, { id: string; mark: string }>();
    const isHeld = await keepCheckpoint(database, this.#turn, async (client) => {
      kept = new Map();
      for (const { name, mark } of there) {
        const before = this.#kept.get(name);
        const id = before?.mark === mark ? before.id : newId(now());
        if (before?.id !== id) {
          const pieces = () => createReadStream(join(this.#work, name));
          await files.keepIn(client, { id, namespace, kind: 'checkpoint' }, pieces);
        }
        kept.set(name, { id, mark });
      }
      return Object.fromEntries([...kept].map(([name, { id }]) => [name, id]));
    });
    if (isHeld) this.#kept = kept;
  }

  async #files(): Promise<FileState[]> {
    const entries = await readdir(this.#work, { withFileTypes: true }).catch(() => []);
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    const states: FileState[] = [];
    for (const name of names) {
      if (name.startsWith('.') || left.includes(name)) continue;
      const found = await stat(join(this.#work, name)).catch(() => undefined);
      // the work went on, and needs it no more
      if (found !== undefined) states.push({ name, mark: markOf(found), bytes: found.size });
    }
    return states;
  }
}

function markOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}
