/** The golden files in Chromium: a page that has functa/web finds the numbers in them that Node finds. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReader, type Reader } from '../../src/web.ts';
import { compiled } from '../compiled.ts';
import type { NetworkVector } from '../conformance/network-vectors.ts';
import type { VectorsOfModel } from '../conformance/vectors.ts';
import { chromiumPath, openBrowser } from './browser.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = 'test/conformance/vectors';
const read = (path: string) => new Uint8Array(readFileSync(join(root, path)));
const listed = (name: string) => JSON.parse(readFileSync(join(root, folder, name), 'utf8'));
/** No server stands there: the pages are answered from the disk. */
const origin = 'http://localhost:1';
/** Signals of an archive that are looked at, at most. */
const most = 3;

/** What a file holds, as digests: modulations; values, where it is samples; weights of a network. */
const digestsOf = `async (reader, file, digest) => {
  const { count = 1 } = reader.inspect(file);
  const found = [];
  for (let item = 0; item < Math.min(count, ${most}); item++) {
    const fn = await reader.open(file, { item });
    const numbers = fn.kind === 'network' ? fn.model.network.weights : fn.kind === 'samples' ? (await fn.decode()).values : fn.modulation;
    found.push(await digest(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)));
  }
  return found;
}`;

async function here(reader: Reader, file: Uint8Array): Promise<string[]> {
  // biome-ignore lint/security/noGlobalEval: the same text runs in the page
  const digests = eval(`(${digestsOf})`) as (...all: unknown[]) => Promise<string[]>;
  return digests(reader, file, (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'));
}

/** The digests of many files, by one reader of the page. */
async function inPage(page: Page, model: string | undefined, files: readonly string[]): Promise<string[][]> {
  return (await page.evaluate(`(async () => {
    const { openReader } = await import('${origin}/dist/web/functa.js');
    const bytes = async (path) => new Uint8Array(await (await fetch('${origin}/' + path)).arrayBuffer());
    const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const digest = async (numbers) => hex(await crypto.subtle.digest('SHA-256', numbers));
    const reader = await openReader(${model === undefined ? '' : `{ model: await bytes('${model}') }`});
    const all = [];
    for (const path of ${JSON.stringify(files)}) all.push(await (${digestsOf})(reader, await bytes(path), digest));
    return all;
  })()`)) as string[][];
}

describe.skipIf(chromiumPath === undefined)('golden files in a page', { timeout: 240_000 }, () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    compiled();
    browser = await openBrowser();
    page = await browser.newPage();
    await page.route(`${origin}/**`, (route) => {
      const path = new URL(route.request().url()).pathname.slice(1);
      if (path === '') return route.fulfill({ contentType: 'text/html', body: '<title>bare</title>' });
      const contentType = path.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
      return route.fulfill({ contentType, body: Buffer.from(read(path)) });
    });
    await page.goto(origin);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
  });

  const models = (listed('manifest.json') as VectorsOfModel[]).filter(({ model }) =>
    existsSync(join(root, model)),
  );
  it.each(models)('of $model are the same modulations', async ({ model, vectors }) => {
    const reader = await openReader({ model: read(model) });
    const files = vectors.map(({ file }) => `${folder}/${file}`);
    const found = await inPage(page, model, files);
    for (const [i, file] of files.entries()) expect(found[i], file).toEqual(await here(reader, read(file)));
  });

  it('of networks are the weights that the list says', async () => {
    const vectors: NetworkVector[] = listed('networks.json');
    const found = await inPage(
      page,
      undefined,
      vectors.map(({ file }) => `${folder}/${file}`),
    );
    expect(found).toEqual(vectors.map(({ weightsSha256 }) => [weightsSha256]));
  });
});
