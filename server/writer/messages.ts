/** What the server's thread and the writer say to each other: each job is answered once. */
import type { Label } from '../../src/core/label.ts';
import type { Metadata } from '../../src/core/metadata.ts';
import type { FunctasetNetwork, FunctionRecord } from '../../src/functaset/index.ts';
import type { ThreadAnswer } from '../questions.ts';
import type { Match } from '../version.ts';
import type { SharedFunctaset, ShareSetup } from './shared.ts';

/** A function to put, coded already, and what the answer says of it. */
export interface PutItem {
  readonly record: FunctionRecord;
  /** JSON. */
  readonly told: string;
  /** Which of those in the body it is, from 0. */
  readonly at: number;
}

/** What was wrong with one of many. */
export interface PutFault {
  readonly at: number;
  readonly id: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export interface PutRequest {
  readonly kind: 'put';
  readonly items: readonly PutItem[];
  /** Of those that could not be coded. */
  readonly faults: readonly PutFault[];
  readonly replace: boolean;
  /** Of the one item. */
  readonly match?: Match | undefined;
  /** The answer is kept under a key, and given again to the same request. */
  readonly keep?: { readonly key: string; readonly digest: string } | undefined;
}

export interface PutOutcome {
  readonly created: number;
  readonly replaced: number;
  readonly faults: readonly PutFault[];
  /** `{functions, errors}` in JSON; what was answered before where the request came again. */
  readonly body: Uint8Array;
  readonly again: boolean;
}

export interface DeleteRequest {
  readonly kind: 'delete';
  readonly ids: readonly string[];
  /** Of the one id. */
  readonly match?: Match | undefined;
}

export interface PatchRequest {
  readonly kind: 'patch';
  readonly id: string;
  /** Null takes it away; absent leaves it. */
  readonly label?: Label | null | undefined;
  readonly metadata?: Metadata | null | undefined;
  readonly match?: Match | undefined;
}

export type WriteRequest = PutRequest | DeleteRequest | PatchRequest;

/** Of `delete` the number that there were; of `patch` the record that is there now. */
export type OutcomeOf<R extends WriteRequest> = R extends PutRequest
  ? PutOutcome
  : R extends DeleteRequest
    ? { readonly deleted: number }
    : { readonly record: Uint8Array };

export type ToWriter = { readonly job: number } & (
  | { readonly kind: 'create'; readonly path: string; readonly network: FunctasetNetwork }
  | { readonly kind: 'drop'; readonly path: string }
  /** Gives a functaset its name. */
  | { readonly kind: 'adopt'; readonly made: string; readonly path: string }
  /** Answered with those there are. */
  | { readonly kind: 'shared' }
  | { readonly kind: 'write'; readonly path: string; readonly request: WriteRequest }
  /** Ends the thread when all before is done. */
  | { readonly kind: 'close' }
);

export type FromWriter =
  | ThreadAnswer<unknown>
  /** Unasked: the functasets of the database are others by now. */
  | { readonly shared: readonly SharedFunctaset[] };

/** What the writer is started with. */
export interface WriterSetup {
  /** In place of one that died: claims of this process are its to take over. */
  readonly heir: boolean;
  /** Milliseconds after which a store that nobody writes to is closed. */
  readonly idleMs: number;
  /** A database that is written to, and the replicas of it. */
  readonly share?: ShareSetup | undefined;
  /** What the thread holds where it must not be ended. */
  readonly latch: Int32Array;
}
