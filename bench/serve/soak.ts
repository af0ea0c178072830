/**
 * Mixed work for long, and work beyond what the server can do: whether memory and descriptors stay flat, and whether what is normal comes back.
 */
import { cannon, type Fired, type Shot } from './cannon.ts';
import { mixed } from './rows.ts';
import { type Served, serve } from './served.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Requests of a part at once. */
  readonly connections: number;
}

/** Seconds of one part, after which memory and descriptors are read. */
const partSeconds = 30;

/** Prints a line for each part, and what grew from the second half of the first quarter to the last quarter. */
export async function soak({ minutes, connections }: SoakOptions): Promise<void> {
  const server = await serve();
  const shots = await mixed(server.port);
  const seen: { readonly megabytes: number; readonly descriptors: number }[] = [];
  try {
    console.log('\nminute   good/s   p99 ms   not 200                MB (most)   descriptors');
    for (let i = 0; i < (60 * minutes) / partSeconds; i++) {
      const fired = await cannon({ port: server.port, connections, seconds: partSeconds, shots });
      // those whose requests are done close their connections
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { now, most } = server.memory();
      const descriptors = server.descriptors();
      seen.push({ megabytes: now, descriptors });
      const at = ((i + 1) * partSeconds) / 60;
      console.log(
        `${at.toFixed(1).padStart(6)} ${figures(fired)}   ${now.toFixed(0).padStart(5)} (${most.toFixed(0)})   ${descriptors}`,
      );
    }
    const quarter = Math.max(1, Math.floor(seen.length / 4));
    const mean = (part: typeof seen, of: 'megabytes' | 'descriptors') =>
      part.reduce((sum, one) => sum + one[of], 0) / part.length;
    const [early, late] = [seen.slice(Math.floor(quarter / 2), quarter + 1), seen.slice(-quarter)];
    for (const of of ['megabytes', 'descriptors'] as const)
      console.log(
        `${of}: ${mean(early, of).toFixed(0)} in the first quarter, ${mean(late, of).toFixed(0)} in the last`,
      );
  } finally {
    await server.stop();
  }
}

/** Normal load, then so many connections at once for `seconds`, then normal load again, a second at a time. */
export async function overload({
  connections,
  seconds,
  shots,
}: {
  readonly connections: number;
  readonly seconds: number;
  readonly shots: readonly Shot[];
}): Promise<void> {
  const server: Served = await serve({
    env: { FUNCTA_TRAFFIC_CLIENT_SHARE: '1', FUNCTA_TRAFFIC_CONNECTIONS: '12000' },
  });
  const normal = (of: number) => cannon({ port: server.port, connections: 8, seconds: of, shots });
  try {
    await normal(5);
    const before = await normal(5);
    console.log(`\nnormal (8 connections)        ${figures(before)}`);
    const over = await cannon({ port: server.port, connections, seconds, shots });
    const { most } = server.memory();
    console.log(
      `${connections} connections, ${seconds} s`.padEnd(30) + figures(over),
      `  ${most.toFixed(0)} MB at most`,
    );
    for (let second = 1; second <= 8; second++)
      console.log(`normal, second ${second} after      `.padEnd(30) + figures(await normal(1)));
  } finally {
    await server.stop();
  }
}

function figures({ perSecond, p99Ms, statuses }: Fired): string {
  const others = Object.entries(statuses).filter(([status]) => status !== '200');
  return [
    perSecond.toFixed(0).padStart(8),
    p99Ms.toFixed(0).padStart(8),
    `   ${others.map(([status, count]) => `${status}: ${count}`).join(', ')}`.padEnd(25),
  ].join(' ');
}
