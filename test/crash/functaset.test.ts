import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { claimPath } from '../../src/functaset/claim.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';

const source = fileURLToPath(new URL('functaset-writer.ts', import.meta.url));
/** Beside the packages it imports, and compiled once: so many starts of a compiler would be most of the time. */
const writer = fileURLToPath(
  new URL(`../../node_modules/.cache/functa/writer-${process.pid}.mjs`, import.meta.url),
);

beforeAll(() => {
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [source], outfile: writer, logLevel: 'error' });
});

afterAll(() => rmSync(writer, { force: true }));

function startWriter(path: string): ChildProcess {
  return spawn(process.execPath, [writer, path], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Lets the writer acknowledge so many bytes of ids, then kills it at once. Returns every id it acknowledged. */
async function killAfter(child: ChildProcess, bytes: number): Promise<string[]> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (text.length >= bytes) child.kill('SIGKILL');
  }
  // What was cut off in the middle was not said.
  return text.split('\n').slice(0, -1);
}

const times = rounds(8, 20);

test(`${times} kills of a writer: every acknowledged function is there and sound, and the next one goes on`, async () => {
  const path = join(temporary(), 'set');
  const random = new Rng(1);
  const acknowledged = new Set<string>();
  let reader: Awaited<ReturnType<typeof openFunctaset>> | undefined;
  for (let round = 0; round < times; round++) {
    const child = startWriter(path);
    for (const id of await killAfter(child, 1 + random.below(3000))) acknowledged.add(id);
    expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGKILL');
    expect(existsSync(claimPath(path))).toBe(true);

    // A reader of the first round stays open: the store outgrows what it mapped, in another process.
    reader ??= await openFunctaset(path, { readOnly: true });
    const report = await reader.verify();
    expect(report.faults).toEqual([]);
    for (const id of acknowledged) expect(reader.has(id)).toBe(true);
    // Functions go in order, all of a call or none: what is there is a series without holes.
    expect(report.functions).toBeGreaterThanOrEqual(acknowledged.size);
    const last = testFunction(report.functions - 1);
    expect(reader.get(last.id)).toEqual(last);
  }
  expect(acknowledged.size).toBeGreaterThan(1000);
  const whole = await openFunctaset(path, { network: testNetwork() });
  let i = 0;
  for (const fn of whole.iterate()) expect(fn).toEqual(testFunction(i++));
  await whole.close();
  await reader!.close();
}, 120_000);

test('a functaset that another process writes is busy, and free when that process is killed', async () => {
  const path = join(temporary(), 'set');
  const child = startWriter(path);
  await once(child.stdout!, 'data');
  const second = openFunctaset(path, { network: testNetwork() });
  await expect(second).rejects.toThrow(expect.objectContaining({ code: 'functaset-busy' }));
  await expect(second).rejects.toThrow(`process ${child.pid}`);
  const reader = await openFunctaset(path, { network: testNetwork(), readOnly: true });
  expect(reader.count).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const next = await openFunctaset(path, { network: testNetwork() });
  expect((await next.verify()).faults).toEqual([]);
  await next.close();
  await reader.close();
}, 30_000);
