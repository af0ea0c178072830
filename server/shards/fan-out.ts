/**
 * Asks the server of every shard, and says which of them did not answer. What a shard says of the question itself is the answer; what it
 * says of itself, and that it says nothing in time, leaves it out by name.
 */
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { AbortedError } from '../../src/core/errors.ts';
import type { AskParts, PartAnswer } from '../../src/query/index.ts';
import { jsonBody, ProblemError, Transport } from '../client/transport.ts';
import { HttpFault } from '../http-fault.ts';
import type { ShardsQuestion, ShardsSetup } from './messages.ts';

export interface MissingShard {
  /** From 1, of as many as there are: `2/4`. */
  readonly shard: string;
  readonly code: string;
  readonly detail: string;
}

export interface FanOut {
  readonly ask: AskParts;
  /** Those that did not answer so far; they are not asked again for this question. */
  readonly missing: ReadonlyMap<number, MissingShard>;
}

interface PartReply {
  readonly of?: { readonly uuid: string; readonly seq: number | null; readonly shard?: string };
  readonly answer: PartAnswer;
}

/** One shard's door. */
export class ShardDoor extends Transport {
  query(body: object, signal: AbortSignal): Promise<PartReply> {
    return this.json('/v1/shards/query', {}, { signal }, jsonBody('POST', body));
  }
}

/** Statuses that say what is wrong with the question, and not with the shard. */
const ofQuestion: readonly number[] = [400, 413, 422];
const none: PartAnswer = { kind: '', items: [], next: null, empty: true };

export function fanOut(
  doors: readonly ShardDoor[],
  { functaset, namespace, prepared }: ShardsQuestion,
  { withinMs, signal }: Pick<ShardsSetup, 'withinMs'> & { readonly signal: AbortSignal },
): FanOut {
  const missing = new Map<number, MissingShard>();
  const { mark, named, prior } = prepared;
  const carried = {
    ...{ functaset, namespace: namespace ?? null },
    named: named && { id: named.id, record: base64Of(named.record) },
  };
  const askOne = async (index: number, body: object): Promise<PartAnswer | undefined> => {
    const shard = `${index + 1}/${doors.length}`;
    const leave = (code: string, detail: string) => {
      missing.set(index, { shard, code, detail });
      return undefined;
    };
    const late = AbortSignal.timeout(withinMs);
    const send = (more: object) =>
      doors[index]!.query({ ...carried, ...body, ...more }, AbortSignal.any([signal, late]));
    try {
      const digest = prior && { sha256: prior.sha256 };
      const { of, answer } = await send({ prior: digest }).catch((error: unknown) => {
        if (!(error instanceof ProblemError) || error.code !== 'prior-needed') throw error;
        return send({ prior: { ...digest, bytes: base64Of(prior!.bytes!) } });
      });
      if (of?.uuid !== mark?.uuid || of?.shard !== `${index}/${doors.length}`)
        return leave('shard-other', 'it holds another functaset of this name, or another part');
      if (of.seq === null) return leave('shard-behind', 'its replica is still being made');
      return answer;
    } catch (error) {
      if (signal.aborted) throw new AbortedError();
      if (late.aborted) return leave('shard-late', `it did not answer within ${withinMs} ms`);
      if (!(error instanceof ProblemError)) return leave('shard-gone', 'it is not to be reached');
      const { code, status, problem } = error;
      if (code === 'empty-functaset') return none;
      if (ofQuestion.includes(status)) throw new HttpFault(status, code as ErrorCode, problem.detail);
      return leave(code, problem.detail);
    }
  };
  return {
    missing,
    async ask({ request, shown }) {
      const body = { request, shown };
      const asked = doors.map((_, index) => (missing.has(index) ? undefined : askOne(index, body)));
      const answers = (await Promise.all(asked)).filter((answer) => answer !== undefined);
      if (answers.length > 0) return answers;
      const why = [...missing.values()].map(({ shard, code }) => `${shard} ${code}`).join(', ');
      throw new HttpFault(503, 'shards-missing', `no shard answered: ${why}; look whether they run`, {
        'retry-after': '1',
      });
    },
  };
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
