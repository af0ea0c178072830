/**
 * Load by autocannon, in a process of its own: it takes a tenth of the processor time that Node's client takes, on a machine that the
 * server shares.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

export interface Shot {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

export interface Fired {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  /** Answers of each status; 0: none came. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Answers of status 200. */
  readonly good: number;
  readonly seconds: number;
}

export interface CannonOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Asked in turn by each connection, which begins at a place of its own. */
  readonly shots: readonly Shot[];
}

/** Requests of all clients together: autocannon keeps the bytes of each for each client. */
const mostRequests = 2 ** 15;

/** Fires, and resolves with what came back. */
export async function cannon(options: CannonOptions): Promise<Fired> {
  const child = fork(fileURLToPath(import.meta.url), ['cannon'], { serialization: 'advanced' });
  const fired = await new Promise<Fired>((resolve, reject) => {
    child.once('message', (message: Fired) => resolve(message));
    child.once('exit', (code) => reject(new Error(`autocannon ended with ${code}`)));
    child.send(options);
  });
  child.disconnect();
  return fired;
}

async function fire({ port, connections, seconds, shots }: CannonOptions): Promise<Fired> {
  const perClient = Math.max(1, Math.min(shots.length, Math.floor(mostRequests / connections)));
  let clients = 0;
  const statuses: Record<number, number> = {};
  const fired = await autocannon({
    url: `http://127.0.0.1:${port}`,
    ...{ connections, duration: seconds, timeout: 30 },
    setupClient(client) {
      const from = Math.floor((clients++ * shots.length) / connections);
      const own = Array.from({ length: perClient }, (_, i) => shots[(from + i) % shots.length]!);
      client.setRequests(own.map(requestOf));
      client.on('response', (status) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
      });
    },
  });
  const lost = fired.errors + fired.timeouts;
  const good = statuses[200] ?? 0;
  const { p50, p99, max } = fired.latency;
  return {
    ...{ perSecond: good / fired.duration, p50Ms: p50, p99Ms: p99, mostMs: max, good },
    ...{ statuses: lost > 0 ? { ...statuses, 0: lost } : statuses, seconds: fired.duration },
  };
}

function requestOf({ method, path, headers, body }: Shot): autocannon.Request {
  return {
    method,
    path,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  };
}

if (process.argv[2] === 'cannon' && process.send !== undefined) {
  process.once('message', (options: CannonOptions) => {
    void fire(options).then((fired) => process.send!(fired));
  });
  process.once('disconnect', () => process.exit());
}
