/** HDF5 files, netCDF-4 ones among them, read in a thread of their own: the library that knows the format may not end on a damaged file. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { BadStreamError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { optionalPackage } from '../core/optional-package.ts';
import type { FieldVariable } from './field-file.ts';
import type { Asked, ThreadVariable, Told } from './hdf5-thread.ts';

export function sniffHdf5(bytes: Uint8Array): boolean {
  return [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte);
}

/** Time for one answer: unpacking 64 million values takes some seconds. */
const usualPatienceMs = 60_000;

/**
 * Gives `use` the variables of a file, which are there until it ends. Throws EnvironmentError `package-absent`, BadStreamError `bad-hdf5`,
 * `unsupported-hdf5`, LimitError, and what `use` throws.
 */
export async function withHdf5<T>(
  bytes: Uint8Array,
  limits: Limits,
  use: (variables: readonly FieldVariable[]) => T | Promise<T>,
  patienceMs = usualPatienceMs,
): Promise<T> {
  const { maxFileBytes, maxSamples } = limits;
  checkLimit('file-bytes', bytes.length, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  await optionalPackage(
    'h5wasm',
    async () => import.meta.resolve('h5wasm'),
    'give a netCDF-3, npy or zarr file',
  );
  const thread = takeThread(patienceMs);
  try {
    const found = (await thread.ask({ bytes }, 'it')) as readonly ThreadVariable[];
    return await use(
      found.map(({ refused, pieceValues, ...own }, variable) => ({
        ...own,
        async values(box) {
          if (refused !== undefined)
            throw new BadStreamError('unsupported-hdf5', 0, `variable ${own.name} ${refused}`);
          const hint = `variable ${own.name} is stored in pieces that are larger; repack it in smaller ones`;
          checkLimit('samples', pieceValues, maxSamples, hint);
          return (await thread.ask({ variable, box }, `variable ${own.name}`)) as Float64Array;
        },
      })),
    );
  } finally {
    await thread.giveBack();
  }
}

/** Threads that wait for the next file; they keep no process from ending. */
const idle: Thread[] = [];
const mostIdle = 2;

function takeThread(patienceMs: number): Thread {
  const thread = idle.pop() ?? new Thread();
  thread.patienceMs = patienceMs;
  return thread;
}

class Thread {
  patienceMs = usualPatienceMs;
  readonly #worker = spawn();
  #isReady = false;
  #isFit = true;

  /** Throws BadStreamError `bad-hdf5` with the reason of the library, or when no answer comes. */
  async ask(asked: Asked, what: string): Promise<Told> {
    this.#worker.ref();
    const told = await this.#answer(asked);
    if (typeof told !== 'string' || asked === 'close') return told;
    throw new BadStreamError('bad-hdf5', 0, `${what} cannot be read: ${told}`);
  }

  /** For the next file, unless it did not answer, or can not be as it was before this one. */
  async giveBack(): Promise<void> {
    const isClosed = this.#isFit && idle.length < mostIdle && (await this.ask('close', 'it')) === 'closed';
    this.#worker.unref();
    if (isClosed && idle.length < mostIdle) idle.push(this);
    else await this.#worker.terminate();
  }

  async #answer(asked: Asked): Promise<Told> {
    // how long a thread takes to start is nothing of its file
    if (!this.#isReady) {
      const told = await this.#next(usualPatienceMs);
      this.#isReady = told === 'ready';
      this.#isFit &&= this.#isReady;
      if (!this.#isReady) return told;
    }
    this.#worker.postMessage(asked);
    return await this.#next(this.patienceMs);
  }

  async #next(patienceMs: number): Promise<Told> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), patienceMs);
    try {
      const [told] = await once(this.#worker, 'message', { signal: patience.signal });
      return told;
    } catch (error) {
      this.#isFit = false;
      if (patience.signal.aborted) return `that did not end in ${patienceMs / 1000} s`;
      return (error as Error).message;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** From dist a plain module; from the sources, TypeScript through tsx. */
function spawn(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./hdf5-thread.js', import.meta.url));
  const url = JSON.stringify(new URL('./hdf5-thread.ts', import.meta.url).href);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  return new Worker(`import(${tsx}).then(({ register }) => (register(), import(${url})))`, { eval: true });
}
