/**
 * What the server's thread and a worker say to each other. A job is answered by one `answer`, and by a `piece` for each
 * `more` that is asked after it, until one is the last; or, at any time, by a `fault`, which is the last as well.
 */
import type { Limits } from '../../src/core/limits.ts';
import type { PlainError } from '../wire-error.ts';

/** What a worker is started with. */
export interface WorkerSetup {
  /** Name of an engine; absent: the fastest here. */
  readonly engine?: string | undefined;
  readonly limits: Limits;
  /** What the thread holds where it must not be ended. */
  readonly latch: Int32Array;
}

export type ToWorker =
  | {
      readonly kind: 'job';
      readonly job: number;
      readonly verb: string;
      /** What the verb takes; a structured clone of plain values and bytes. */
      readonly input: unknown;
      /** In shared memory: not 0 once the job is to stop. */
      readonly flag: Int32Array;
    }
  | { readonly kind: 'more'; readonly job: number }
  /** The store at a path is gone. */
  | { readonly kind: 'forget'; readonly path: string }
  /** Sent after the flag was set, to a worker that may be waiting and not computing. */
  | { readonly kind: 'stop'; readonly job: number };

export type FromWorker =
  | { readonly kind: 'ready'; readonly engine: string }
  | { readonly kind: 'unready'; readonly error: PlainError }
  | {
      readonly kind: 'answer';
      readonly job: number;
      /** What the verb says before its bytes. */
      readonly head: unknown;
      readonly bytes: Uint8Array;
      readonly last: boolean;
    }
  | { readonly kind: 'piece'; readonly job: number; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly kind: 'fault'; readonly job: number; readonly error: PlainError };

/** What a verb makes: something to say at once, and bytes, made as they are asked for. */
export interface Made<H> {
  readonly head: H;
  readonly bytes?: AsyncIterable<Uint8Array> | undefined;
  /** The bytes are of use as they come: they are not gathered into larger pieces. */
  readonly live?: boolean | undefined;
}
