import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { FunctaClient } from '../../server/index.ts';
import { compiled } from '../compiled.ts';
import { monitorBusy } from '../server/busy.ts';
import { checkTurns, startWatched } from '../server/serving.ts';
import { temporary } from '../temporary.ts';
import { runExamples } from './client-examples.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('every example of the client does what it says it does', { timeout: 300_000 }, async () => {
  process.env.FUNCTA_COMPILED = compiled();
  const png = new Uint8Array(readFileSync(join(root, 'test/fixtures/datasets/emoji/1f33d.png')));
  const monitor = monitorBusy();
  const server = await startWatched(monitor, {
    port: 0,
    home: join(temporary(), 'home'),
    functasets: [],
    modelsDir: join(root, 'models/fashion-mnist'),
  });
  try {
    const setting = { client: new FunctaClient(server.url), png, console: { log: () => undefined } };
    expect((await runExamples(['server/client/functasets.ts'], setting)).length).toBeGreaterThan(10);
    checkTurns(monitor);
  } finally {
    await server.close();
  }
});
