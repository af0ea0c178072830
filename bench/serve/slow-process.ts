/** Slow clients in a process of their own, so that what they cost does not delay the clock of those beside them. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type SlowOptions, slowClients } from './slow.ts';

export interface SlowProcess {
  /** Connections made so far, those that took the place of a cut one included, and processor time in seconds. */
  stop(): Promise<{ readonly connected: number; readonly cpuSeconds: number }>;
}

type Told = { readonly ready: true } | { readonly connected: number; readonly cpuSeconds: number };

/** Starts a process with slow clients that stay, and resolves when it has begun to connect. */
export async function slowProcess(options: SlowOptions): Promise<SlowProcess> {
  const child = fork(fileURLToPath(import.meta.url), ['clients'], { serialization: 'advanced' });
  const heard = () => new Promise<Told>((resolve) => child.once('message', (told: Told) => resolve(told)));
  await heard();
  child.send(options);
  await heard();
  return {
    async stop() {
      const told = heard();
      child.send('stop');
      const result = await told;
      child.disconnect();
      if (!('connected' in result)) throw new Error('the slow clients did not say what they did');
      return result;
    },
  };
}

if (process.argv[2] === 'clients' && process.send !== undefined) {
  const say = (told: Told) => process.send?.(told);
  process.once('message', (options: SlowOptions) => {
    const before = process.cpuUsage();
    const clients = slowClients({ ...options, stay: true });
    say({ ready: true });
    process.once('message', () => {
      const { user, system } = process.cpuUsage(before);
      const { connected } = clients;
      clients.stop();
      say({ connected, cpuSeconds: (user + system) / 1e6 });
    });
  });
  process.once('disconnect', () => process.exit());
  say({ ready: true });
}
