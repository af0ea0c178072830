/**
 * Rows of docs/results/studio.md, measured in Chromium on a service that runs:
 *
 *   npm start -- --functaset DIRECTORY
 *   npm run bench:studio -- http://127.0.0.1:8080 [--only paint,film,zoom,map,large] [--set NAME]
 *
 * `paint`: the first page, and what it transfers. `film`: frames of an interpolation of 256 x 256 by one worker. `zoom`: frames of the view
 * under the wheel, and how long the region takes to be sharp. `map`: a functaset of very many functions (bench/studio/set.ts makes one).
 * `large`: an encode of 512 x 512, and the page's decode beside the server's.
 */
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { FunctaClient } from '../../server/client/client.ts';
import { openBrowser } from '../../test/browser/browser.ts';
import { readSetting } from '../rate/setting.ts';
import { watchFrames } from './frames.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: 'paint,film,zoom,map,large' }, set: { type: 'string' } },
});
const [url = 'http://127.0.0.1:8080'] = positionals;
const client = new FunctaClient(url);

const rows: Readonly<Record<string, (browser: Browser) => Promise<string>>> = {
  async paint(browser) {
    const times: number[] = [];
    const first: number[] = [];
    let [sent, whole] = [0, 0];
    for (let i = 0; i < 5; i++) {
      const page = await opened(browser);
      await page.goto(url);
      await page.getByRole('heading', { name: 'Encode' }).waitFor();
      times.push((await page.evaluate('performance.now()')) as number);
      first.push(
        (await page.evaluate(
          `new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime)).observe({ type: 'largest-contentful-paint', buffered: true }))`,
        )) as number,
      );
      [sent, whole] = (await page.evaluate(
        `['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind)).filter(({ name }) => !name.includes('/v1/'))
          .reduce(([sent, whole], one) => [sent + one.encodedBodySize, whole + one.decodedBodySize], [0, 0])`,
      )) as [number, number];
      await page.context().close();
    }
    return `page usable after ${spread(times)} ms, largest paint ${spread(first)} ms; transferred ${sent} bytes, unpacked ${whole}`;
  },

  async film(browser) {
    const lines: string[] = [];
    for (const model of ['fashion-mnist', 'emoji']) {
      const page = await opened(browser);
      await page.goto(url);
      const file = await client.sample(model, { count: 2, seed: 1 }, { format: 'functa' });
      for (const raw of [false, true]) {
        const found = (await page.evaluate(
          `(${film})(${JSON.stringify([...file])}, '${model}', ${raw})`,
        )) as number[];
        const [median, ninth] = [at(found, 0.5), at(found, 0.9)];
        lines.push(
          `  ${model}, ${raw ? 'the field at every point' : 'as it is decoded'}: ${(1000 / mean(found)).toFixed(0)} frames a second, a frame ${median.toFixed(1)} ms, nine of ten under ${ninth.toFixed(1)} ms`,
        );
      }
      await page.context().close();
    }
    return `256 x 256, one worker, 40 frames\n${lines.join('\n')}`;
  },

  async zoom(browser) {
    const page = await opened(browser);
    await page.goto(`${url}/#/zoom`);
    const view = page.locator('functa-view').first();
    await view.locator('canvas').waitFor();
    await settled(page);
    const frames = await watchFrames(page, async () => {
      const box = (await view.boundingBox())!;
      await page.mouse.move(box.x + box.width / 3, box.y + box.height / 3);
      for (let i = 0; i < 60; i++) {
        await page.mouse.wheel(0, -30);
        await page.waitForTimeout(16);
      }
    });
    const sharp: number[] = [];
    for (const key of ['0', '+', '+', '+', '+', '+', '+', 'ArrowLeft', 'ArrowUp', '-', '-', '-']) {
      await settled(page);
      sharp.push(
        (await page.evaluate(
          `(async () => { const view = document.querySelector('functa-view'); const began = performance.now();
            view.shadowRoot.querySelector('canvas').dispatchEvent(new KeyboardEvent('keydown', { key: '${key}' }));
            await view.drawn; return performance.now() - began; })()`,
        )) as number,
      );
    }
    const box = (await view.boundingBox())!;
    return `view of ${box.width.toFixed(0)} x ${box.height.toFixed(0)}: ${frames}; sharp after ${spread(sharp)} ms, ${sharp.filter((ms) => ms > 150).length} of ${sharp.length} later than 150`;
  },

  async map(browser) {
    const name = values.set ?? (await client.functasets()).sort((a, b) => b.functions - a.functions)[0]!.name;
    const lines: string[] = [];
    for (const visit of ['first', 'second']) {
      const page = await opened(browser);
      await page.goto(`${url}/#/functasets`);
      await page.getByLabel('Functaset', { exact: true }).selectOption(name);
      await page.getByText('Mean bits').waitFor();
      const began = performance.now();
      await page.getByLabel('Order').selectOption('map');
      const map = page.locator('canvas.map');
      await map.waitFor();
      const seen = performance.now() - began;
      await page
        .locator('section[aria-label=Map] .note')
        .filter({ hasNotText: ' of 1' })
        .waitFor({ timeout: 300_000 });
      const whole = performance.now() - began;
      const box = (await map.boundingBox())!;
      const frames = await watchFrames(page, async () => {
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        await page.mouse.down();
        for (let i = 0; i < 60; i++) {
          await page.mouse.move(box.x + box.width / 2 + 3 * i, box.y + box.height / 2 + i);
          await page.waitForTimeout(16);
        }
        await page.mouse.up();
      });
      const note = await page.locator('section[aria-label=Map] .note').textContent();
      lines.push(
        `  ${visit} visit: seen after ${seen.toFixed(0)} ms, all of it after ${whole.toFixed(0)} ms; panned: ${frames}; ${note}`,
      );
      await page.context().close();
    }
    return `${name}\n${lines.join('\n')}`;
  },

  async large(browser) {
    const noise = await sharp({ create: { width: 512, height: 512, channels: 3, background: '#7a6a50' } })
      .composite([{ input: Buffer.from(drawing), top: 0, left: 0 }])
      .png()
      .toBuffer();
    const page = await opened(browser);
    await page.goto(url);
    await page
      .getByLabel('File to encode')
      .setInputFiles({ name: 'large.png', mimeType: 'image/png', buffer: noise });
    const began = performance.now();
    await page.getByLabel('Model').selectOption('photos');
    await page.getByText('Bits per point').waitFor({ timeout: 300_000 });
    const seconds = (performance.now() - began) / 1000;
    const { bytes, model } = await client.encode('photos', noise, { quality: 50, effort: 1 });
    const theirs = await sharp(await client.decode(model, bytes, { format: 'png' }))
      .raw()
      .toBuffer();
    const own = (await page.evaluate(`(${decoded})(${JSON.stringify([...bytes])}, '${model}')`)) as number[];
    const worst = own.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);
    return `512 x 512 encoded after ${seconds.toFixed(1)} s, ${bytes.length} bytes; ${own.length} values of the page within ${worst} of 255 of the server's`;
  },
};

/** Runs in the page: milliseconds of each frame of the way from one function to another. */
const film = `async (bytes, model, raw) => {
  const { sharedReader } = await import('/studio/functa.js');
  const reader = sharedReader();
  const weights = new Uint8Array(await (await fetch('/v1/models/' + model + '/file')).arrayBuffer());
  const file = new Uint8Array(bytes);
  const ends = [await reader.open({ file, model: weights, item: 0 }), await reader.open({ file, model: weights, item: 1 })];
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 256;
  const context = canvas.getContext('2d');
  const part = { x: 0, y: 0, width: 256, height: 256 };
  const times = [];
  for (let i = 0; i < 45; i++) {
    const began = performance.now();
    const { key } = await reader.mix(ends.map(({ key }) => key), [1 - i / 44, i / 44]);
    const { rgba } = await reader.draw(key, { width: 256, height: 256, part, raw });
    void reader.close(key);
    context.putImageData(new ImageData(rgba, 256, 256), 0, 0);
    if (i >= 5) times.push(performance.now() - began);
  }
  return times;
}`;

const decoded = `async (bytes, model) => {
  const { sharedReader } = await import('/studio/functa.js');
  const weights = new Uint8Array(await (await fetch('/v1/models/' + model + '/file')).arrayBuffer());
  const { key, shape } = await sharedReader().open({ file: new Uint8Array(bytes), model: weights });
  const [height, width] = shape;
  const { rgba } = await sharedReader().draw(key, { width, height, part: { x: 0, y: 0, width, height } });
  return [...rgba].filter((_, i) => i % 4 !== 3);
}`;

/** Something with edges, slopes and texture. */
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512">
  <defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="#8fb7d9"/><stop offset="1" stop-color="#f1dfc2"/></linearGradient>
  <filter id="grain"><feTurbulence baseFrequency="0.03" numOctaves="4" seed="3"/><feBlend in2="SourceGraphic" mode="multiply"/></filter></defs>
  <rect width="512" height="512" fill="url(#sky)"/>
  <path d="M0 360 L120 210 L210 300 L330 150 L512 340 V512 H0Z" fill="#5d7052" filter="url(#grain)"/>
  <circle cx="400" cy="110" r="44" fill="#fff3c9"/></svg>`;

async function opened(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: true });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  return page;
}

const settled = (page: Page) =>
  page.evaluate('Promise.all([...document.querySelectorAll("functa-view")].map((view) => view.drawn))');

const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
const at = (all: readonly number[], part: number) =>
  [...all].sort((a, b) => a - b)[Math.floor(part * all.length)]!;
const spread = (all: readonly number[]) =>
  `${at(all, 0.5).toFixed(0)} (${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}, n ${all.length})`;

console.log(JSON.stringify(readSetting('bench:studio', process.argv.slice(2))));
const browser = await openBrowser();
for (const name of values.only.split(',')) {
  const row = rows[name];
  if (row === undefined)
    throw new Error(`no row is called ${name}; there are ${Object.keys(rows).join(', ')}`);
  console.log(`${name}: ${await row(browser)}`);
}
await browser.close();
