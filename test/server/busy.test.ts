import { readdir, readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { monitorBusy } from './busy.ts';

function burn(ms: number): void {
  // the sum is exact; how it is split is estimated from ticks
  const spent = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const from = spent();
  while (spent() - from < ms);
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

it('watches every server that a test starts in its own process', async () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const unwatched: string[] = [];
  for (const folder of ['test', 'server', 'src']) {
    for (const path of await readdir(`${root}${folder}`, { recursive: true })) {
      if (!path.endsWith('.test.ts')) continue;
      // `prepare` and `startWatched` of serving.ts are the ways; programs for other processes stand in templates
      const own = (await readFile(`${root}${folder}/${path}`, 'utf8')).replaceAll(/`[^`]*`/g, '');
      if (/\b(startServer|createApp)[(]/.test(own)) unwatched.push(path);
    }
  }
  expect(unwatched).toEqual([]);
});
