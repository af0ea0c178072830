/** Between a client and a server of PostgreSQL: cuts the connection at a commit, when it is told to. */
import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export interface Proxy {
  /** Where `host=` of an address leads to. */
  readonly directory: string;
  /** Once: `before` the server hears of the next commit, or `after`, so that nobody hears what became of it. */
  cut: 'before' | 'after' | undefined;
  /** How often it did. */
  readonly cuts: number;
  close(): void;
}

const socket = '.s.PGSQL.5432';

export async function openProxy(cluster: string, directory: string): Promise<Proxy> {
  mkdirSync(directory, { recursive: true });
  const proxy = { directory, cut: undefined as Proxy['cut'], cuts: 0, close: () => server.close() };
  const server = createServer((client) => {
    const upstream = connect(join(cluster, socket));
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    let deaf = false;
    client.on('data', (bytes: Buffer) => {
      const how = bytes.includes('COMMIT') ? proxy.cut : undefined;
      if (how !== undefined) {
        proxy.cut = undefined;
        proxy.cuts++;
      }
      if (how === 'before') return end();
      deaf = how === 'after';
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => (deaf ? end() : client.write(bytes)));
    for (const each of [client, upstream]) {
      each.on('error', end);
      each.on('close', end);
    }
  });
  await new Promise<void>((resolve) => server.listen(join(directory, socket), resolve));
  return proxy;
}
