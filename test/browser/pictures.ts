/**
 * The pictures of docs/studio.md, from a service that runs:
 *
 *   node --import tsx test/browser/pictures.ts http://127.0.0.1:8080
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { openBrowser } from './browser.ts';
import { pathsOf } from './paths.ts';

const [url = 'http://127.0.0.1:8080'] = process.argv.slice(2);
const out = fileURLToPath(new URL('../../docs/pictures/studio', import.meta.url));
const shown = ['encode', 'zoom', 'functasets', 'map'];

mkdirSync(out, { recursive: true });
const browser = await openBrowser();
for (const name of shown) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.setDefaultTimeout(120_000);
  await page.goto(url);
  await pathsOf[name]!(page);
  await page.waitForTimeout(1500);
  const picture = await page.screenshot({ timeout: 120_000 });
  await sharp(picture)
    .webp({ quality: 82 })
    .toFile(join(out, `${name}.webp`));
  await page.close();
}
await browser.close();
