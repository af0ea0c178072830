/**
 * The pictures and the film of docs/studio.md, from a service that runs:
 *
 *   node --import tsx test/browser/pictures.ts http://127.0.0.1:8080 [DIRECTORY]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { openBrowser } from './browser.ts';
import { pathsOf } from './paths.ts';

const docs = fileURLToPath(new URL('../../docs/pictures/studio', import.meta.url));
const [url = 'http://127.0.0.1:8080', out = docs] = process.argv.slice(2);
const shown = ['encode', 'zoom', 'functasets', 'map', 'sample', 'complete', 'jobs', 'models'];
/** Shown as they are at night. */
const dark = ['sample', 'complete', 'models'];
const filmWidth = 560;
const frameMs = 90;

mkdirSync(out, { recursive: true });
const browser = await openBrowser();

async function opened(colorScheme: 'light' | 'dark', height = 900): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1200, height }, colorScheme });
  page.setDefaultTimeout(120_000);
  await page.goto(url);
  return page;
}

for (const name of shown) {
  const page = await opened(dark.includes(name) ? 'dark' : 'light');
  await pathsOf[name]!(page);
  await page.waitForTimeout(1500);
  const picture = await page.screenshot({ timeout: 120_000 });
  await sharp(picture)
    .webp({ quality: 80, effort: 6 })
    .toFile(join(out, `${name}.webp`));
  await page.close();
}

/** Into a function and out again, then from one draw to another. */
const frames: Buffer[] = [];
async function take(page: Page): Promise<void> {
  await page.evaluate('Promise.all([...document.querySelectorAll("functa-view")].map((view) => view.drawn))');
  frames.push(
    await sharp(await page.screenshot())
      .resize(filmWidth)
      .png()
      .toBuffer(),
  );
}

const zoom = await opened('light', 720);
await zoom.getByRole('link', { name: 'Zoom', exact: true }).click();
await zoom.locator('functa-view canvas').first().focus();
for (const key of [...'++++++++++', ...'----------']) {
  await zoom.keyboard.press(key);
  await take(zoom);
}
await zoom.close();
const between = await opened('light', 720);
await pathsOf.sample!(between);
for (let i = 0; i <= 16; i++) {
  const way = (1 - Math.cos((Math.PI * i) / 16)) / 2;
  await between.getByRole('slider', { name: 'Way' }).fill(String(Number(way.toFixed(2))));
  await between.waitForTimeout(300);
  await take(between);
}
await between.close();
await sharp(frames, { join: { animated: true } })
  .webp({ quality: 60, effort: 6, delay: frames.map(() => frameMs), loop: 0 })
  .toFile(join(out, 'film.webp'));
await browser.close();
