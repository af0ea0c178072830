import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { monitorBusy } from './busy.ts';

function burn(ms: number): void {
  const from = process.cpuUsage().user;
  while ((process.cpuUsage().user - from) / 1000 < ms);
}

const rest = () => new Promise((resolve) => setTimeout(resolve, 20));

it('sees what a server does for too long at once, in one callback or in many without a turn between', async () => {
  for (const work of [
    async () => burn(120),
    async () => {
      for (let i = 0; i < 8; i++) {
        await Promise.resolve();
        burn(15);
      }
    },
  ]) {
    const monitor = monitorBusy();
    await rest();
    await monitor.watch(async () => {
      await setImmediate();
      await work();
    });
    await rest();
    monitor.stop();
    expect(monitor.worst()[0]?.ms).toBeGreaterThan(80);
  }
});

it('does not see what others do, nor what takes its turns', async () => {
  const monitor = monitorBusy();
  await rest();
  await Promise.all([
    (async () => {
      await setImmediate();
      burn(120);
    })(),
    monitor.watch(async () => {
      for (let i = 0; i < 10; i++) {
        await rest();
        burn(8);
      }
    }),
  ]);
  await rest();
  monitor.stop();
  expect(monitor.worst()[0]?.ms ?? 0).toBeLessThan(40);
});
