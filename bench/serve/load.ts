/** Clients that ask as fast as they are answered, or at a rate of their own, on connections that they keep. */
import { Agent, request } from 'node:http';

export interface Asked {
  readonly port: number;
  readonly path: string;
  readonly type?: string;
  readonly body?: Uint8Array;
}

export interface Answered {
  /** Of each answer with status 200, in milliseconds. */
  readonly times: readonly number[];
  /** Answers of each other status; 0: none came. */
  readonly others: ReadonlyMap<number, number>;
  readonly seconds: number;
}

export interface LoadOptions {
  readonly clients: number;
  /** What is asked in turn. */
  readonly asked: readonly Asked[];
  /** The load ends after so many milliseconds, or so many answers of status 200. */
  readonly ms: number;
  readonly answers?: number;
  /** What a client does that was refused. */
  readonly refused: 'retry at once' | 'wait as told';
}

export async function load({ clients, asked, ms, answers, refused }: LoadOptions): Promise<Answered> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  const others = new Map<number, number>();
  const started = performance.now();
  const done = () => performance.now() - started > ms || (answers !== undefined && times.length >= answers);
  let next = 0;
  const client = async () => {
    while (!done()) {
      const from = performance.now();
      const { status, retryAfter } = await ask(agent, asked[next++ % asked.length]!);
      if (status === 200) times.push(performance.now() - from);
      else others.set(status, (others.get(status) ?? 0) + 1);
      if (status === 503 && refused === 'wait as told') {
        await new Promise((resolve) => setTimeout(resolve, Math.min(ms, retryAfter * 1000)));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return { times, others, seconds: (performance.now() - started) / 1000 };
}

/**
 * Asks at a fixed rate, whether answers come or not, and times each answer from when it was to be asked: a pause of
 * the server counts for all who would have asked in it, where clients that wait for their answers would count it once.
 */
export async function steady({
  asked,
  ms,
  perSecond,
}: {
  readonly asked: readonly Asked[];
  readonly ms: number;
  readonly perSecond: number;
}): Promise<Answered> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const others = new Map<number, number>();
  const started = performance.now();
  const answers: Promise<void>[] = [];
  for (let i = 0; (i * 1000) / perSecond < ms; i++) {
    const due = started + (i * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    answers.push(
      ask(agent, asked[i % asked.length]!).then(({ status }) => {
        if (status === 200) times.push(performance.now() - due);
        else others.set(status, (others.get(status) ?? 0) + 1);
      }),
    );
  }
  await Promise.all(answers);
  agent.destroy();
  return { times, others, seconds: (performance.now() - started) / 1000 };
}

function ask(
  agent: Agent,
  { port, path, type, body }: Asked,
): Promise<{ readonly status: number; readonly retryAfter: number }> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': type ?? '', 'content-length': body.length };
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers }, (answer) => {
      answer.resume();
      answer.on('close', () =>
        resolve({ status: answer.statusCode ?? 0, retryAfter: Number(answer.headers['retry-after'] ?? 0) }),
      );
    });
    sent.on('error', () => resolve({ status: 0, retryAfter: 0 }));
    sent.end(body);
  });
}

/** The value below which the part `p` of them lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}
