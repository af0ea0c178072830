/**
 * Answers to requests that may come again, kept in the transaction that did what they say: after a crash there are both or neither. A
 * value is u8 length of the digest and the digest in ASCII, f64 time, the bytes.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { BugError } from '../core/errors.ts';
import { isOld } from './answer-age.ts';
import { type AnswersDatabase, valueView } from './databases.ts';
import type { Answer, Answers } from './types.ts';

const mostAnswers = 10_000;
const mostBytes = 2 ** 26;
/** Forgotten by one transaction, at most: as many as it keeps, and some. */
const forgottenAtOnce = 8;
const nothing = new Uint8Array(0);

export function answersIn(database: AnswersDatabase): Answers {
  return {
    get: (key) => read(valueView(database, ['key', key])),
    keep(key, answer) {
      forget(database, answer.at);
      const digest = new TextEncoder().encode(answer.digest);
      const value = new ByteWriter().u8(digest.length).bytes(digest).f64(answer.at).bytes(answer.bytes);
      database.put(['key', key], value.finish());
      database.put(['at', answer.at, key], nothing);
    },
  };
}

/** Of a store that keeps none. */
export const noAnswers: Answers = {
  get: () => undefined,
  keep() {
    throw new BugError('a transaction that keeps answers has to say so');
  },
};

function read(value: Uint8Array | undefined): Answer | undefined {
  if (value === undefined) return undefined;
  const reader = new ByteReader(value);
  const digest = reader.utf8(reader.u8());
  const at = reader.f64();
  return { digest, at, bytes: reader.bytes(reader.remaining) };
}

function forget(database: AnswersDatabase, now: number): void {
  const { entryCount, treeLeafPageCount, overflowPages, pageSize } = database.getStats() as Record<
    'entryCount' | 'treeLeafPageCount' | 'overflowPages' | 'pageSize',
    number
  >;
  const full = entryCount / 2 >= mostAnswers || (treeLeafPageCount + overflowPages) * pageSize > mostBytes;
  const oldest = [...database.getKeys({ start: ['at'], limit: forgottenAtOnce })];
  for (const [kind, at, key] of oldest) {
    if (kind !== 'at' || at === undefined || key === undefined) return;
    if (!full && !isOld({ at }, now)) return;
    database.remove(['at', at, key]);
    database.remove(['key', key]);
  }
}
