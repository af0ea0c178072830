/** Studio and functa/web in Chromium: the way through encoding, and that a page decodes what Node decodes. The other pages: pages.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { chromiumPath, findingsOf, watched } from './browser.ts';
import { studioInBrowser } from './studio.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const picture = join(root, 'test/fixtures/datasets/emoji/1f33d.png');
const demo = new Uint8Array(readFileSync(join(root, 'models/fashion-mnist/demo.functa')));
const items = [0, 1, 500, 999];

describe.skipIf(chromiumPath === undefined)('Studio in a browser', { timeout: 240_000 }, () => {
  const studio = studioInBrowser(() => ({
    modelsDir: [join(root, 'models/emoji'), join(root, 'models/fashion-mnist')],
  }));

  it('encodes what is picked, shows it, and says what is wrong with what it cannot read', async () => {
    const page = await studio.browser.newPage();
    const seen = watched(page, studio.url);
    let transferred = 0;
    page.on('requestfinished', async (request) => {
      if (!/\/studio\/|\/$/.test(request.url())) return;
      const { responseBodySize } = await request.sizes();
      transferred += responseBodySize;
    });
    await page.goto(studio.url);
    await page.getByLabel('File to encode').setInputFiles(picture);
    await page.getByLabel('Model').selectOption('emoji');
    await page.getByText('Bits per point').waitFor({ timeout: 120_000 });
    for (const name of ['WebP', 'AVIF']) {
      await page.getByRole('img', { name: `1f33d.png as ${name}` }).waitFor();
      const image = `document.querySelector('img[alt="1f33d.png as ${name}"]')`;
      expect(await page.evaluate(`${image}.decode().then(() => ${image}.naturalWidth)`)).toBe(64);
    }
    expect(await page.locator('figure').count()).toBe(4);
    const canvas = page.locator('functa-view canvas');
    await canvas.waitFor();
    expect(await page.getByRole('link', { name: /^Download \d+ bytes$/ }).getAttribute('href')).toMatch(
      /^blob:/,
    );
    await page.getByLabel('File to encode').setInputFiles({
      name: 'broken.png',
      mimeType: 'image/png',
      buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]),
    });
    await page.getByRole('alert').waitFor({ timeout: 60_000 });
    expect(seen).toEqual({ foreign: [], complaints: [] });
    expect(transferred).toBeGreaterThan(50_000);
    expect(transferred).toBeLessThan(150_000);
    await page.close();
  });

  it('has no serious finding of axe-core on its first page', async () => {
    const context = await studio.browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(studio.url);
    await page.getByRole('heading', { name: 'Encode' }).waitFor();
    expect(await findingsOf(page)).toEqual([]);
    await context.close();
  });

  it('decodes in a page what Node decodes: the same modulations, values within 1/255', async () => {
    const engine = await openEngine('wasm', { threads: 1 });
    const session = openSession({ model: await loadModel('fashion-mnist'), engine });
    const page = await studio.browser.newPage();
    await page.goto(`${studio.url}/studio/functa.js`);
    const found = (await page.evaluate(
      `(async () => {
        const { openReader } = await import('/studio/functa.js');
        const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
        const reader = await openReader({ model: await bytes('/v1/models/fashion-mnist/file') });
        const file = Uint8Array.from(atob('${Buffer.from(demo).toString('base64')}'), (c) => c.charCodeAt(0));
        const all = [];
        for (const item of ${JSON.stringify(items)}) {
          const fn = await reader.open(file, { item });
          const { values } = await fn.decode({ size: '2x' });
          all.push({ modulation: [...fn.modulation], values: [...values] });
        }
        return all;
      })()`,
    )) as { modulation: number[]; values: number[] }[];
    for (const [i, item] of items.entries()) {
      const fn = await session.open(demo, { item });
      expect(found[i]!.modulation).toEqual([...fn.modulation]);
      const { values } = await fn.decode({ size: '2x' });
      const { peak } = session.model.card.outputs[0]!;
      const worst = found[i]!.values.reduce(
        (most, value, j) => Math.max(most, Math.abs(value - values[j]!)),
        0,
      );
      expect(worst).toBeLessThanOrEqual(peak / 255);
    }
    await engine.close();
    await page.close();
  });

  it('shows a function on a page that knows nothing of it, and says what it cannot show', async () => {
    const page = await studio.browser.newPage();
    await page.route('**/bare', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<script type="module" src="/studio/functa.js"></script>
          <functa-view style="width:200px" src="/demo.functa" item="3" model="/v1/models/fashion-mnist/file"></functa-view>
          <functa-view id="broken" src="/nothing"><i>instead</i></functa-view>`,
      }),
    );
    await page.route('**/demo.functa', (route) => route.fulfill({ body: Buffer.from(demo) }));
    await page.goto(`${studio.url}/bare`);
    const canvas = page.locator('functa-view canvas');
    await canvas.waitFor({ timeout: 60_000 });
    await page.locator('#broken').getByRole('alert').waitFor();
    await canvas.focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press('+');
    const scale = (await page.evaluate(
      `(async () => { const view = document.querySelector('functa-view'); await view.drawn; return view.look.scale; })()`,
    )) as number;
    expect(scale).toBeCloseTo((200 / 28) * 1.25 ** 6, 3);
    await page.close();
  });

  it('turns a shape: another side is seen, and the same one again after a whole turn', async () => {
    const page = await studio.browser.newPage();
    const seen = watched(page, studio.url);
    const shape = await encodedRing();
    const weights = readFileSync(join(root, 'models/shapes/model.safetensors'));
    await page.route('**/bare', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<script type="module" src="/studio/functa.js"></script>
          <functa-view style="width:300px" src="/shape.functa" model="/shape-model"></functa-view>`,
      }),
    );
    await page.route('**/shape.functa', (route) => route.fulfill({ body: Buffer.from(shape) }));
    await page.route('**/shape-model', (route) => route.fulfill({ body: weights }));
    await page.goto(`${studio.url}/bare`);
    const canvas = page.locator('functa-view canvas');
    await canvas.waitFor({ timeout: 60_000 });
    await canvas.focus();
    const picture = async () =>
      (await page.evaluate(
        `(async () => { const view = document.querySelector('functa-view'); await view.drawn;
          const canvas = view.shadowRoot.querySelector('canvas');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return [...data]; })()`,
      )) as number[];
    const first = await picture();
    expect(first).toHaveLength(300 * 300 * 4);
    const surface = first.filter((alpha, i) => i % 4 === 3 && alpha > 0).length;
    expect(surface).toBeGreaterThan(1000);
    const off = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / surface;
    for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowRight');
    expect(off(await picture(), first)).toBeGreaterThan(10);
    for (let i = 0; i < 18; i++) await page.keyboard.press('ArrowRight');
    expect(off(await picture(), first)).toBeLessThan(1);
    expect(seen.complaints).toEqual([]);
    await page.close();
  });
});

/** A torus that lies on its side, as a file of the model of shapes. */
async function encodedRing(): Promise<Uint8Array> {
  const engine = await openEngine('wasm', { threads: 1 });
  const session = openSession({ model: await loadModel('shapes'), engine });
  const n = 32;
  const values = Float32Array.from({ length: n ** 3 }, (_, p) => {
    const [x, y, z] = [p % n, Math.floor(p / n) % n, Math.floor(p / n ** 2)].map((i) => (i + 0.5) / n - 0.5);
    const distance = Math.hypot(Math.hypot(x!, z!) - 0.28, y!) - 0.12;
    return Math.min(0.09, Math.max(-0.09, distance));
  });
  const { bytes } = await session.encode(
    { id: 'ring', shape: [n, n, n], channels: 1, values },
    { effort: 1 },
  );
  await engine.close();
  return bytes;
}
