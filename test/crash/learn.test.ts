import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';

const directory = await mkdtemp(join(tmpdir(), 'functa-crash-'));
afterAll(() => rm(directory, { recursive: true }));
const source = fileURLToPath(new URL('learn-child.ts', import.meta.url));
/** Beside the packages it imports, and compiled once: so many starts of a compiler would be most of the time. */
const child = fileURLToPath(
  new URL(`../../node_modules/.cache/functa/learn-${process.pid}.mjs`, import.meta.url),
);

beforeAll(() => {
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [source], outfile: child, logLevel: 'error' });
});
afterAll(() => rm(child, { force: true }));

/** Runs the child until it ends, or kills it `delayMs` after it says that `killAt` more steps are done. */
async function run(path: string | undefined, killAt = Number.POSITIVE_INFINITY, delayMs = 0) {
  const args = [child, ...(path === undefined ? [] : [path])];
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let first = -1;
  let last = -1;
  let digest: string | undefined;
  createInterface(running.stdout).on('line', (line) => {
    const [word, value] = line.split(' ') as [string, string];
    if (word === 'digest') digest = value;
    else {
      last = Number(value);
      if (first < 0) first = last;
      if (last - first === killAt) setTimeout(() => running.kill('SIGKILL'), delayMs);
    }
  });
  await new Promise((resolve) => running.on('close', resolve));
  return { first, last, digest };
}

test('a run killed again and again, and resumed, gives the weights of a run that was not', async () => {
  const whole = await run(undefined);
  expect(whole).toMatchObject({ first: 0, last: 24, digest: expect.any(String) });
  const path = join(directory, 'run.safetensors');
  const rng = new Rng(1);
  let kills = 0;
  for (let done = 0; ; ) {
    const round = await run(path, 3 + rng.below(4), rng.below(12));
    // A step counts as safe once the next one was announced: its checkpoint was written in between.
    expect(round.first).toBeGreaterThanOrEqual(done - 1);
    if (round.digest !== undefined) {
      expect(round.digest).toBe(whole.digest);
      break;
    }
    kills++;
    done = round.last;
  }
  expect(kills).toBeGreaterThanOrEqual(3);
}, 180_000);
