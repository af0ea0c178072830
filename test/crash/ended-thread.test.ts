/** A thread that is ended in the middle of a call of lmdb takes the process with it, unless the call is waited for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFunctaset } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-ended-'));
const path = join(directory, 'store');
const child = fileURLToPath(new URL('./ended-thread-child.ts', import.meta.url));

beforeAll(async () => {
  const store = await openFunctaset(path, { network: testNetwork() });
  await store.putMany([testFunction(0), testFunction(1)]);
  await store.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a process whose threads are ended', () => {
  it('goes on when they were opening a functaset', { timeout: 240_000 }, () => {
    const args = ['--import', import.meta.resolve('tsx'), child, path, '8'];
    const { stdout, stderr, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([stdout, signal], stderr).toEqual(['alive\n', null]);
  });
});
