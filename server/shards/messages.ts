/** What the server's thread and the one that asks shards say to each other: each job is answered once. */
import type { QueryRequest } from '../../src/query/index.ts';
import type { jsonType, linesType } from '../media.ts';
import type { ThreadAnswer } from '../questions.ts';
import type { Prepared } from '../work/verbs/parts.ts';

export interface ShardsSetup {
  /** Addresses of the servers of the shards, in order. */
  readonly urls: readonly string[];
  readonly key: string | undefined;
  /** Milliseconds that a shard has to answer in. */
  readonly withinMs: number;
}

/** A question to all shards. */
export interface ShardsQuestion {
  readonly functaset: string;
  /** Undefined: it is everybody's. */
  readonly namespace: string | undefined;
  readonly request: QueryRequest;
  readonly prepared: Prepared;
  readonly as: typeof jsonType | typeof linesType;
}

export interface ShardsAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Shards that did not answer, from 1. */
  readonly missing: readonly number[];
}

export type ToShards =
  | { readonly job: number; readonly kind: 'ask'; readonly question: ShardsQuestion }
  | { readonly job: number; readonly kind: 'stop' }
  | { readonly job: number; readonly kind: 'close' };

export type FromShards = ThreadAnswer<ShardsAnswer>;
