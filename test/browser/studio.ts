/** Studio and a browser for the tests of a file: a service of its own, whose event loop is watched. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { ServerOptions } from '../../server/index.ts';
import { compiled } from '../compiled.ts';
import { monitorBusy } from '../server/busy.ts';
import { checkTurns, startWatched } from '../server/serving.ts';
import { openBrowser } from './browser.ts';

/** Within a `describe`: there when its tests run. `options` are asked for then. */
export function studioInBrowser(options: () => ServerOptions | Promise<ServerOptions>) {
  const monitor = monitorBusy();
  let directory: string | undefined;
  const studio = {} as { url: string; browser: Browser; close(): Promise<void> };
  beforeAll(async () => {
    compiled();
    directory = mkdtempSync(join(tmpdir(), 'functa-'));
    const home = join(directory, 'home');
    const server = await startWatched(monitor, { port: 0, home, ...(await options()) });
    Object.assign(studio, { url: server.url, close: () => server.close() });
    studio.browser = await openBrowser();
  }, 300_000);
  afterAll(async () => {
    await studio.browser?.close();
    await studio.close?.();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    checkTurns(monitor);
  });
  return studio;
}
