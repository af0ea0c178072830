/**
 * Answers that were given, to be given again: what an encode or a decode answers is a matter of the request and the model alone, and what a
 * stored function is drawn as of the store's file too. Bounded by bytes; those that were asked for longest ago go first.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { fileStamp } from '../src/disk/file.ts';
import type { AnswerOf } from './work/ask.ts';

/** A whole answer, of which nothing may be changed. */
export type KeptAnswer = AnswerOf<unknown> & { readonly rest: undefined };

/** Requests with longer bodies are not known again: a digest of one would hold the event loop. */
const mostBodyBytes = 2 ** 18;
/** Of all answers together, one takes no more than this part. */
const largestPart = 1 / 64;
/** What an entry takes beside its bytes, about. */
const entryBytes = 500;
/** A store that was written so shortly before it was read may have been written again within the same tick of its clock. */
const settledMs = 100;

export class Answers {
  readonly #most: number;
  readonly #kept = new Map<string, KeptAnswer>();
  #bytes = 0;

  /** `bytes` of answers are kept; 0: none. */
  constructor(bytes: number) {
    this.#most = bytes;
  }

  /** Bytes that they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `make`, or what it made for the same key before. Without a key nothing is kept. What is thrown is not kept. */
  async of<H>(key: string | undefined, make: () => Promise<AnswerOf<H>>): Promise<AnswerOf<H>> {
    if (key === undefined) return make();
    const known = this.find(key);
    if (known !== undefined) return known as AnswerOf<H>;
    const made = await make();
    if (made.rest === undefined) this.#keep(key, made as KeptAnswer);
    return made;
  }

  find(key: string): KeptAnswer | undefined {
    const known = this.#kept.get(key);
    if (known === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, known);
    return known;
  }

  #keep(key: string, answer: KeptAnswer): void {
    const size = sizeOf(key, answer);
    if (size > this.#most * largestPart || this.#kept.has(key)) return;
    this.#kept.set(key, answer);
    this.#bytes += size;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= this.#most) return;
      this.#kept.delete(oldest);
      this.#bytes -= sizeOf(oldest, { bytes });
    }
  }
}

/**
 * The key of work on a body by a model; undefined for bodies that are too long to be known again, and where a file is not there. `of`: all
 * that the answer depends on beside it. Another model in the place of the file makes another key, so that the replacement is noticed.
 */
export function keyOfBody(
  bytes: Uint8Array,
  model: string | undefined,
  of: readonly unknown[],
): string | undefined {
  if (bytes.length > mostBodyBytes) return undefined;
  const file = model === undefined ? '' : stampOf(model);
  if (file === undefined) return undefined;
  return `${hash('sha256', bytes, 'base64')} ${JSON.stringify([file, ...of])}`;
}

/**
 * The key of work on a stored function by a model; undefined where its store was written just now, or a file is not there. A write to the
 * store, by whom ever, makes another key.
 */
export function keyOfStored(
  store: string,
  model: string | undefined,
  of: readonly unknown[],
): string | undefined {
  const files = [stampOf(join(store, 'data.mdb'), settledMs), model === undefined ? '' : stampOf(model)];
  return files.includes(undefined) ? undefined : JSON.stringify([store, files, ...of]);
}

/** What changes when a file does; undefined where it is not there, or was changed within so many milliseconds. */
function stampOf(path: string, settled = 0): string | undefined {
  const found = fileStamp(path);
  return found === undefined || Date.now() - found.writtenAt < settled ? undefined : found.stamp;
}

function sizeOf(key: string, { bytes }: Pick<KeptAnswer, 'bytes'>): number {
  return 2 * key.length + bytes.buffer.byteLength + entryBytes;
}
