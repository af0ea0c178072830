import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { readModel } from '../../src/field/model.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';
import { openFunctasetOf } from '../../src/session/store.ts';
import { rounds } from '../rounds.ts';
import { temporary } from '../temporary.ts';

const source = fileURLToPath(new URL('build-child.ts', import.meta.url));
/** Beside the packages it imports, and compiled once. */
const child = fileURLToPath(
  new URL(`../../node_modules/.cache/functa/build-${process.pid}.mjs`, import.meta.url),
);

beforeAll(() => {
  const settings = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ ...settings, entryPoints: [source], outfile: child, logLevel: 'error' });
});
afterAll(() => rmSync(child, { force: true }));

const times = rounds(8, 20);

test(`${times} kills of a build: every acknowledged function is there and sound, and the build goes on`, async () => {
  const directory = temporary();
  const modelPath = join(directory, 'tiny.safetensors');
  const engine = await openEngine();
  writeFileSync(modelPath, await makeTinyModel(engine));
  await engine.close();
  const model = readModel(new Uint8Array(readFileSync(modelPath)));
  const path = join(directory, 'set');
  const random = new Rng(1);
  const acknowledged = new Set<string>();
  let kills = 0;
  for (let round = 0; round < times; round++) {
    const running = spawn(process.execPath, [child, modelPath, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = new Promise((resolve) => running.once('close', resolve));
    let text = '';
    const wanted = 1 + random.below(4);
    for await (const chunk of running.stdout) {
      text += chunk;
      if (text.split('\n').length > wanted) running.kill('SIGKILL');
    }
    await closed;
    if (running.signalCode === 'SIGKILL') kills++;
    for (const id of text.split('\n').slice(0, -1)) acknowledged.add(id);
    const store = await openFunctasetOf(model, path, { readOnly: true });
    expect((await store.verify()).faults).toEqual([]);
    for (const id of acknowledged) expect(store.has(id)).toBe(true);
    await store.close();
  }
  // The data set may end before the last rounds; most of them are kills.
  expect(kills).toBeGreaterThan(times / 2);
  expect(acknowledged.size).toBeGreaterThan(times);
}, 240_000);
