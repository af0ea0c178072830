/** A real full disk where one can be mounted (Linux, root), and a real limit on the size of files everywhere else. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openFunctaset } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';
import { temporary } from '../temporary.ts';

const writer = fileURLToPath(new URL('functaset-writer.ts', import.meta.url));
const mount = (...args: string[]) => spawnSync('mount', args).status === 0;
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && probeMount();
const hasLimits = spawnSync('bash', ['-c', 'ulimit -f 400']).status === 0;
const full = expect.objectContaining({ code: 'disk-full', kind: 'environment' });

function probeMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'functa-'));
  try {
    return mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory);
  } finally {
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}

function smallDisk(): string {
  const directory = temporary();
  expect(mount('-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory)).toBe(true);
  onTestFinished(() => {
    spawnSync('umount', ['--lazy', directory]);
  });
  return directory;
}

const large = (i: number) =>
  testFunction(i, { content: { kind: 'file', bytes: new Uint8Array(3000).fill(i) } });

test.skipIf(!canMount)(
  'a disk that fills up: an error, nothing half-written, and on it goes once there is room',
  async () => {
    const disk = smallDisk();
    const path = join(disk, 'set');
    const set = await openFunctaset(path, { network: testNetwork() });
    let stored = 0;
    const fill = async () => {
      for (; ; stored += 7) await set.putMany(Array.from({ length: 7 }, (_, i) => large(stored + i)));
    };
    await expect(fill()).rejects.toThrow(full);
    expect(stored).toBeGreaterThan(100);
    expect(set.count).toBe(stored);
    expect(await set.verify()).toMatchObject({ ok: true, functions: stored });
    // Still full, still an error, still whole; readers do not mind.
    await expect(fill()).rejects.toThrow(full);
    const reader = await openFunctaset(path, { readOnly: true });
    expect([...reader.iterate()]).toHaveLength(stored);
    await reader.close();

    expect(mount('-o', 'remount,size=4m', disk)).toBe(true);
    const before = stored;
    await expect(fill()).rejects.toThrow(full);
    expect(stored).toBeGreaterThan(before + 100);
    await set.close();
    const again = await openFunctaset(path);
    expect(await again.verify()).toMatchObject({ ok: true, functions: stored });
    expect(again.get(testFunction(stored - 1).id)).toEqual(large(stored - 1));
    await again.close();
  },
);

test.skipIf(!canMount)('no functaset is begun on a disk without room for it', async () => {
  const disk = smallDisk();
  expect(() => writeFileSync(join(disk, 'filling'), new Uint8Array(2 ** 22))).toThrow('ENOSPC');
  await expect(openFunctaset(join(disk, 'set'), { network: testNetwork() })).rejects.toThrow(full);
  expect(readdirSync(disk)).toEqual(['filling']);
  rmSync(join(disk, 'filling'));
  await (await openFunctaset(join(disk, 'set'), { network: testNetwork() })).close();
});

test.skipIf(!hasLimits)(
  'a file that may grow no further: an error, and every acknowledged function is there',
  async () => {
    const path = join(temporary(), 'set');
    const run = `ulimit -f 400 && exec "$0" --import tsx "$1" "$2"`;
    const { status, stdout } = spawnSync('bash', ['-c', run, process.execPath, writer, path], {
      encoding: 'utf8',
    });
    const lines = stdout.trimEnd().split('\n');
    // Which of the two is told depends on where in a write the limit falls.
    expect(lines.pop()).toMatch(/^disk-(full|failed)$/);
    expect(status).toBe(0);
    const set = await openFunctaset(path);
    for (const id of lines) expect(set.has(id)).toBe(true);
    expect(await set.verify()).toMatchObject({ ok: true, functions: new Set(lines).size });
    await set.close();
  },
  60_000,
);
