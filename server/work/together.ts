/**
 * Small encodes and decodes that wait at the same time go to a worker as one job: it is told of them in one message, and answers in one; signals that
 * are encoded are fitted in one call of the engine. Nothing waits for others to come: what is there when a place is free goes together, and an idle
 * server does each alone. Each is answered with the bytes that it would have had alone.
 */

import { AbortedError } from '../../src/core/errors.ts';
import { pointCount } from '../../src/field/spec.ts';
import { type Asker, untilDeadline } from '../asker.ts';
import type { ServerContext } from '../context.ts';
import { gathered } from '../reply.ts';
import type { Place, WorkClass } from '../traffic/admission.ts';
import { revive } from '../wire-error.ts';
import { type AnswerOf, noteChanges, patienceOf } from './ask.ts';
import type { JobOptions } from './pool.ts';
import type { HeadOf, InputOf } from './verbs/index.ts';

/** Signals of one job, at most: they are done within a tenth of a second, which is what one that leaves may keep. */
const mostTogether = 16;
/** Signals of more points are worked on alone: there is little to gain. */
const mostPoints = 4096;

/** What is done alone, and what does several of it. */
const verbs = { encode: 'encodeTogether', decode: 'decodeTogether' } as const;
type Verb = keyof typeof verbs;

/** What a request asks for, and what is known of its cost. */
interface Wanted<V extends Verb> {
  readonly verb: V;
  readonly input: InputOf<V>;
  readonly class: WorkClass;
  /** Of the signal that is read or drawn, where it is known. */
  readonly shape: readonly number[] | undefined;
}

interface Member {
  readonly verb: Verb;
  readonly input: InputOf<Verb>;
  readonly client: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  resolve(answer: AnswerOf<unknown>): void;
  reject(error: unknown): void;
}

/** Those who wait for a place, of work that can be done together. */
interface Group {
  members: Member[];
  /** Whether one of them stands in the queue for all. */
  isLed: boolean;
}

export class Together {
  readonly #groups = new Map<string, Group>();

  /** As `ask` of the verb. Throws as `ask`. */
  async do<V extends Verb>(
    context: ServerContext,
    wanted: Wanted<V>,
    asker: Asker,
  ): Promise<AnswerOf<HeadOf<V>>> {
    const { verb, input, class: kind } = wanted;
    const place = context.admission.enter({ class: kind, client: asker.client });
    try {
      const key = kind === 'small' ? keyOf(wanted) : undefined;
      const answer = await untilDeadline(asker, (signal): Promise<AnswerOf<unknown>> => {
        if (key !== undefined)
          return this.#join(context, key, { verb, input, client: asker.client ?? '', place, signal });
        const options = { signal, ...patienceOf(kind) };
        return place.run(signal, () => alone(context, { verb, input }, options));
      });
      const { head, bytes, rest } = answer as AnswerOf<HeadOf<V>>;
      return { head, bytes, rest: rest && place.iterate(asker.signal, rest) };
    } catch (error) {
      throw noteChanges(context, error, input);
    } finally {
      place.release();
    }
  }

  #join(
    context: ServerContext,
    key: string,
    own: Omit<Member, 'resolve' | 'reject'>,
  ): Promise<AnswerOf<unknown>> {
    return new Promise((resolve, reject) => {
      if (own.signal.aborted) return reject(new AbortedError('the client went away'));
      const group = this.#groups.get(key) ?? { members: [], isLed: false };
      this.#groups.set(key, group);
      const member = { ...own, resolve, reject };
      own.signal.addEventListener(
        'abort',
        () => {
          group.members = group.members.filter((other) => other !== member);
          reject(new AbortedError('the client went away'));
        },
        { once: true },
      );
      group.members.push(member);
      if (!group.isLed) void this.#lead(context, key, group);
    });
  }

  /** Has one of a group wait for a place, and the first in turns go with it when there is one. */
  async #lead(context: ServerContext, key: string, group: Group): Promise<void> {
    group.isLed = true;
    const [leader] = group.members;
    if (leader === undefined) {
      group.isLed = false;
      if (this.#groups.get(key) === group) this.#groups.delete(key);
      return;
    }
    try {
      await leader.place.run(leader.signal, async () => {
        const taken = inTurns(group.members, mostTogether);
        group.members = group.members.filter((member) => !taken.includes(member));
        // Those who are left wait for the next place.
        void this.#lead(context, key, group);
        await doTogether(context, taken);
      });
    } catch (error) {
      // It left, or gave its place up; the others have not.
      group.members = group.members.filter((member) => member !== leader);
      leader.reject(error);
      void this.#lead(context, key, group);
    }
  }
}

/** What has to be the same; undefined where it is to be done alone. */
function keyOf({ verb, input, shape }: Wanted<Verb>): string | undefined {
  const { bytes: _, type: __, ...said } = input as InputOf<'encode'>;
  if (said.model === undefined || shape === undefined || pointCount(shape) > mostPoints) return undefined;
  // what takes long, or is looked for, is done alone
  const isBounded = said.target !== undefined || said.maxError !== undefined || said.keepSigns === true;
  if ((said.effort ?? 1) > 1 || isBounded) return undefined;
  return JSON.stringify([verb, said, shape]);
}

/** So many at most, a client after the other. */
function inTurns(members: readonly Member[], most: number): Member[] {
  const clients = new Map<string, Member[]>();
  for (const member of members) {
    const own = clients.get(member.client);
    if (own === undefined) clients.set(member.client, [member]);
    else own.push(member);
  }
  const taken: Member[] = [];
  for (let round = 0; taken.length < Math.min(most, members.length); round++)
    for (const own of clients.values())
      if (own[round] !== undefined && taken.length < most) taken.push(own[round]!);
  return taken;
}

/** Answers all: what one does wrong is told it alone. */
async function doTogether(context: ServerContext, members: readonly Member[]): Promise<void> {
  const all = new AbortController();
  const options = { signal: all.signal, ...patienceOf('small') };
  let left = 0;
  for (const { signal } of members)
    signal.addEventListener('abort', () => ++left === members.length && all.abort(), { once: true });
  try {
    const [first] = members;
    if (members.length === 1) return first!.resolve(await alone(context, first!, options));
    const { bytes: _, type: __, ...said } = first!.input as InputOf<'encode'>;
    const items = members.map(({ input }) => ({
      length: input.bytes.length,
      type: (input as InputOf<'encode'>).type,
    }));
    const bytes = Buffer.concat(members.map(({ input }) => input.bytes));
    const input = { ...said, items, bytes };
    const answer = await context.pool.ask(verbs[first!.verb], input as never, options);
    const made = await gathered(answer);
    let at = 0;
    for (const [i, found] of answer.head.entries()) {
      if ('error' in found) {
        members[i]!.reject(revive(found.error));
        continue;
      }
      // memory of its own, since it may be kept
      members[i]!.resolve({ head: found.head, bytes: made.slice(at, at + found.length), rest: undefined });
      at += found.length;
    }
  } catch (error) {
    for (const member of members) member.reject(error);
  }
}

async function alone(
  { pool }: ServerContext,
  { verb, input }: Pick<Member, 'verb' | 'input'>,
  options: JobOptions,
): Promise<AnswerOf<unknown>> {
  return pool.ask(verb, input, options);
}
