/** A real full disk where one can be mounted (Linux, root), and a real limit on the size of files everywhere else. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { PutRequest } from '../../server/writer/messages.ts';
import { Stores } from '../../server/writer/stores.ts';
import { openFunctaset, recordOf } from '../../src/functaset/index.ts';
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

test.skipIf(!canMount)(
  'the writer of the service where the disk is full, or may not be written: tagged errors, and reads go on',
  async () => {
    const disk = smallDisk();
    const path = join(disk, 'set');
    const stores = new Stores({ idleMs: 60_000 });
    await stores.create(path, testNetwork());
    const put = (i: number): PutRequest => {
      const items = [{ record: recordOf(large(i)), told: '{}', at: 0 }];
      return { kind: 'put', items, faults: [], replace: false };
    };
    const kept = new Set<string>();
    const codes = new Set<string>();
    for (let i = 0; codes.size === 0 && i < 4000; i += 10) {
      const group = Array.from({ length: 10 }, (_, k) => i + k);
      const outcomes = await Promise.allSettled(group.map((n) => stores.write(path, put(n))));
      for (const [k, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') kept.add(large(group[k]!).id);
        else codes.add((outcome.reason as { code: string }).code);
      }
    }
    expect([...codes]).toEqual(['disk-full']);
    expect(kept.size).toBeGreaterThan(100);
    const reader = await openFunctaset(path, { readOnly: true });
    expect(await reader.verify()).toMatchObject({ ok: true, functions: kept.size });
    for (const id of kept) expect(reader.has(id)).toBe(true);
    expect(mount('-o', 'remount,size=4m', disk)).toBe(true);
    expect((await stores.write(path, put(5000))).created).toBe(1);
    await stores.close();
    await reader.close();

    expect(mount('-o', 'remount,ro', disk)).toBe(true);
    const refused = await stores.write(path, put(5001)).catch((error) => error);
    expect(['disk-denied', 'cannot-write']).toContain(refused.code);
    const other = await stores.create(join(disk, 'other'), testNetwork()).catch((error) => error);
    expect(['disk-denied', 'cannot-write']).toContain(other.code);
    const again = await openFunctaset(path, { readOnly: true });
    expect(again.get(large(5000).id)).toEqual(large(5000));
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
