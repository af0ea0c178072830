/** What a replica notes of itself: which functaset it follows, up to which change, and which part of it. */
import type { Functaset } from '../functaset/index.ts';

/** Of the functions of a functaset those whose ids fall to it by their hash: `index` of `count`, a divisor of the partitions. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Noted in the transaction that wrote what it says. */
export interface Mark {
  readonly uuid: string;
  /** Null: it was never whole. */
  readonly seq: number | null;
  /** `index/count`; absent: all. */
  readonly shard?: string;
}

/** Undefined: it is no replica. */
export function markOf({ mark }: Functaset): Mark | undefined {
  return mark && (JSON.parse(new TextDecoder().decode(mark)) as Mark);
}

export function encodeMark(mark: Mark): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(mark));
}

export function textOf(shard: Shard | undefined): string | undefined {
  return shard && `${shard.index}/${shard.count}`;
}
