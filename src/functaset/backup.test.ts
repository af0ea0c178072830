import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { backupFunctaset, restoreFunctaset } from './backup.ts';
import { openFunctaset } from './store.ts';
import { damageRecord, testFunction, testNetwork } from './testing.ts';

const coded = (code: string) => expect.objectContaining({ code });

async function filled(functions: number): Promise<string> {
  const path = join(temporary(), 'store');
  const set = await openFunctaset(path, { network: testNetwork() });
  await set.putMany(Array.from({ length: functions }, (_, i) => testFunction(i)));
  await set.close();
  return path;
}

test('a backup is of one moment, however much is written meanwhile, and the same functaset comes of it', async () => {
  const path = await filled(500);
  const writer = await openFunctaset(path, { network: testNetwork() });
  const before = [...writer.iterate()];
  const target = join(temporary(), 'all.backup');
  let isDone = false;
  const backup = backupFunctaset(path, target).finally(() => {
    isDone = true;
  });
  let put = 500;
  while (!isDone) {
    await writer.put(testFunction(put++));
    await writer.delete(`item-${String(put - 2).padStart(6, '0')}`);
    await new Promise(setImmediate);
  }
  const made = await backup;
  await writer.close();
  expect(put).toBeGreaterThan(500);
  expect(made.bytes).toBe(statSync(target).size);
  expect(readdirSync(join(target, '..'))).toEqual(['all.backup']);
  const again = join(temporary(), 'again');
  expect(await restoreFunctaset(target, again)).toEqual(made);
  const restored = await openFunctaset(again, { network: testNetwork() });
  expect(restored.count).toBe(made.functions);
  // all that were there before it began, and at most one that came and went
  expect([...restored.iterate({ limit: 499 })]).toEqual(before.slice(0, 499));
  expect(made.functions - 500).toBeLessThanOrEqual(1);
  await restored.put(testFunction(9999));
  await restored.close();
});

test('what is there is kept, what is damaged is refused, and nothing is left of it', async () => {
  const path = await filled(50);
  const folder = temporary();
  const target = join(folder, 'all.backup');
  await backupFunctaset(path, target);
  await expect(backupFunctaset(path, target)).rejects.toThrow(coded('output-exists'));
  await backupFunctaset(path, target, { replace: true });
  await expect(restoreFunctaset(target, path)).rejects.toThrow(coded('output-exists'));
  await expect(backupFunctaset(folder, target)).rejects.toThrow(coded('functaset-missing'));
  await expect(restoreFunctaset(join(folder, 'none'), join(folder, 'x'))).rejects.toThrow(coded('no-file'));
  await damageRecord(path, 'item-000007');
  await expect(backupFunctaset(path, join(folder, 'b'))).rejects.toThrow(/item-000007/);
  const bytes = readFileSync(target);
  const bad = join(folder, 'bad');
  const tries = [
    new Uint8Array(0),
    bytes.subarray(0, bytes.length - 1),
    bytes.subarray(0, 100),
    Buffer.from('a picture'),
  ];
  for (let bit = 0; bit < 24; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[Math.floor(((bit + 0.5) * bytes.length) / 24)]! ^= 1 << (bit % 8);
    tries.push(flipped);
  }
  for (const bytes of tries) {
    writeFileSync(bad, bytes);
    const found = await restoreFunctaset(bad, join(folder, 'restored')).then(
      () => 'whole',
      ({ code }) => code,
    );
    // a bit in a page that holds nothing changes nothing
    expect(['backup-damaged', 'whole']).toContain(found);
    rmSync(join(folder, 'restored'), { recursive: true, force: true });
  }
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  const abort = AbortSignal.abort();
  await expect(restoreFunctaset(target, join(folder, 'x'), { signal: abort })).rejects.toThrow(
    coded('aborted'),
  );
  expect(existsSync(join(folder, 'x'))).toBe(false);
});
