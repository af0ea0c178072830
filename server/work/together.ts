/**
 * Small encodes that wait at the same time go to a worker as one job: their signals are fitted in one call of the engine. Nothing waits for
 * others to come: what is there when a place is free goes together, and an idle server does each alone. Each is answered with the bytes that it
 * would have had alone.
 */

import { AbortedError } from '../../src/core/errors.ts';
import { pointCount } from '../../src/field/spec.ts';
import { type Asker, untilDeadline } from '../asker.ts';
import type { ServerContext } from '../context.ts';
import type { Place, WorkClass } from '../traffic/admission.ts';
import { revive } from '../wire-error.ts';
import { type AnswerOf, noteChanges, patienceOf } from './ask.ts';
import type { JobOptions } from './pool.ts';
import type { EncodedHead } from './verbs/coding.ts';
import type { InputOf } from './verbs/index.ts';

type Input = InputOf<'encode'>;

/** Signals of one job, at most: they are done within a tenth of a second, which is what one that leaves may keep. */
const mostTogether = 16;
/** Signals of more points are worked on alone: there is little to gain. */
const mostPoints = 4096;

interface Member {
  readonly input: Input;
  readonly client: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  resolve(answer: AnswerOf<EncodedHead>): void;
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

  /** As `ask` of the verb `encode`. `shape`: of its signal, where that is known. Throws as `ask`. */
  async encode(
    context: ServerContext,
    input: Input,
    {
      class: kind,
      shape,
      ...asker
    }: Asker & { readonly class: WorkClass; readonly shape: readonly number[] | undefined },
  ): Promise<AnswerOf<EncodedHead>> {
    const place = context.admission.enter({ class: kind, client: asker.client });
    try {
      return await untilDeadline(asker, async (signal) => {
        const key = kind === 'small' ? keyOf(input, shape) : undefined;
        if (key === undefined)
          return await place.run(signal, () => alone(context, input, { signal, ...patienceOf(kind) }));
        return this.#join(context, key, { input, client: asker.client ?? '', place, signal });
      });
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
  ): Promise<AnswerOf<EncodedHead>> {
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
function keyOf(
  { model, quality, effort, steps, target, maxError, ...others }: Input,
  shape: readonly number[] | undefined,
) {
  const { bytes: _, type: __, ...more } = others;
  if (shape === undefined || pointCount(shape) > mostPoints || (effort ?? 1) > 1) return undefined;
  // what is looked for is looked for alone
  if (target !== undefined || maxError !== undefined) return undefined;
  return JSON.stringify([model, quality, steps, more, shape]);
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
    if (members.length === 1) return first!.resolve(await alone(context, first!.input, options));
    const { bytes: _, type: __, ...said } = first!.input;
    const items = members.map(({ input }) => ({ length: input.bytes.length, type: input.type }));
    const bytes = Buffer.concat(members.map(({ input }) => input.bytes));
    const input = { ...said, items, bytes };
    const { head, bytes: made } = await context.pool.ask('encodeTogether', input, options);
    let at = 0;
    for (const [i, found] of head.entries()) {
      if ('error' in found) members[i]!.reject(revive(found.error));
      else
        members[i]!.resolve({ head: found.head, bytes: made.slice(at, at + found.length), rest: undefined });
      at += 'error' in found ? 0 : found.length;
    }
  } catch (error) {
    for (const member of members) member.reject(error);
  }
}

async function alone(
  { pool }: ServerContext,
  input: Input,
  options: JobOptions,
): Promise<AnswerOf<EncodedHead>> {
  return pool.ask('encode', input, options);
}
