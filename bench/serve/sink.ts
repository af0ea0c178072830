/**
 * A server that does nothing for slow clients but take them, in a process of its own. Beside it others feel what
 * the clients themselves, the kernel and a second process take of the machine, and nothing of the server measured.
 */
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Sink {
  readonly port: number;
  stop(): void;
}

/** Starts it on a free port. */
export async function sink(): Promise<Sink> {
  const child = fork(fileURLToPath(import.meta.url), ['sink']);
  const port = await new Promise<number>((resolve) => child.once('message', (at: number) => resolve(at)));
  return { port, stop: () => child.disconnect() };
}

if (process.argv[2] === 'sink' && process.send !== undefined) {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    const at = server.address();
    process.send?.(typeof at === 'object' ? at?.port : undefined);
  });
  process.once('disconnect', () => process.exit());
}
