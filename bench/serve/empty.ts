/** A route of Hono that does nothing, in a process of its own: what the machine, the generator and the framework leave. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { cpuSecondsOf } from './served.ts';

export interface Empty {
  readonly port: number;
  cpuSeconds(): number;
  stop(): void;
}

/** Starts it on a free port. */
export async function empty(): Promise<Empty> {
  const child = fork(fileURLToPath(import.meta.url), ['empty']);
  const port = await new Promise<number>((resolve) => child.once('message', (at: number) => resolve(at)));
  return { port, cpuSeconds: () => cpuSecondsOf(child.pid!), stop: () => child.disconnect() };
}

if (process.argv[2] === 'empty' && process.send !== undefined) {
  const app = new Hono();
  app.get('/', (c) => c.text(''));
  serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => process.send?.(port));
  process.once('disconnect', () => process.exit());
}
