/** What people drop on Studio beside square pictures: sounds, surfaces, lines of pixels, functions; and more of them than a page has memories for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { chromiumPath, watched } from './browser.ts';
import { studioInBrowser } from './studio.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const demo = readFileSync(join(root, 'models/fashion-mnist/demo.functa'));
const octahedron = [
  ...['0 0 1', '1 0 0', '0 1 0', '-1 0 0', '0 -1 0', '0 0 -1'].map((at) => `v ${at}`),
  ...['1 2 3', '1 3 4', '1 4 5', '1 5 2', '6 3 2', '6 4 3', '6 5 4', '6 2 5'].map((face) => `f ${face}`),
].join('\n');

/** A second of a tone, 16 bits, 8 kHz. */
function tone(): Buffer {
  const samples = Int16Array.from({ length: 8000 }, (_, i) => Math.round(9000 * Math.sin(i / 9)));
  const head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write('WAVEfmt ', 8);
  for (const [i, word] of [16, 0x10001, 8000, 16_000, 0x100002].entries())
    head.writeUInt32LE(word, 16 + 4 * i);
  head.write('data', 36);
  head.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([head, Buffer.from(samples.buffer)]);
}

describe.skipIf(chromiumPath === undefined)('odd things in Studio', { timeout: 240_000 }, () => {
  const studio = studioInBrowser(() => ({
    modelsDir: ['photos', 'speech', 'shapes', 'fashion-mnist'].map((name) => join(root, 'models', name)),
  }));

  async function dropped(name: string, buffer: Buffer, mimeType = ''): Promise<Page> {
    const page = await studio.browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(studio.url);
    await page.getByLabel('File to encode').setInputFiles({ name, mimeType, buffer });
    return page;
  }

  it('a sound is a curve beside the sound itself, and one curve on the page that zooms', async () => {
    const page = await dropped('tone.wav', tone(), 'audio/wav');
    const seen = watched(page, studio.url);
    await page.getByText('Bits per point').waitFor();
    await page.locator('functa-view canvas').waitFor();
    const audio = page.locator('audio[aria-label="tone.wav, as it is"]');
    await expect.poll(() => audio.evaluate((one: { duration: number }) => one.duration)).toBeCloseTo(1, 2);
    await page.locator('functa-view').getByRole('button', { name: 'Play' }).click();
    await page.getByRole('link', { name: 'Zoom into it' }).click();
    await page.getByText('A curve is shown whole').waitFor();
    expect(await page.locator('functa-view').count()).toBe(1);
    expect(
      await page.locator('functa-view canvas').evaluate((one: { height: number }) => one.height),
    ).toBeGreaterThan(1);
    expect(seen).toEqual({ foreign: [], complaints: [] });
    await page.close();
  });

  it('a surface is known by the name of its file', async () => {
    const page = await dropped('octahedron.obj', Buffer.from(octahedron));
    await page.getByText('Bits per point').waitFor();
    await page.locator('functa-view').getByRole('button', { name: 'Turn' }).waitFor();
    await page.close();
  });

  it('a line of pixels is drawn, lying and standing', async () => {
    for (const [width, height] of [
      [700, 1],
      [1, 700],
    ] as const) {
      const line = sharp({ create: { width, height, channels: 3, background: '#c84' } });
      const page = await dropped('line.png', await line.png().toBuffer(), 'image/png');
      await page.getByText('Bits per point').waitFor();
      await page.locator('functa-view canvas').waitFor();
      await page.evaluate('document.querySelector("functa-view").drawn');
      expect(await page.getByRole('alert').count()).toBe(0);
      await page.close();
    }
  });

  it('a function leads to where it is looked at', async () => {
    const page = await dropped('demo.functa', demo);
    await page.getByRole('heading', { level: 1, name: 'Zoom' }).waitFor();
    await page.locator('functa-view canvas').first().waitFor();
    await page.getByText('demo.functa').waitFor();
    await page.close();
  });

  it("a picture of one's own, of another size than the model's, is completed", async () => {
    const page = await studio.browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${studio.url}/#/complete`);
    await page.getByLabel('Model').selectOption('photos');
    const plain = sharp({ create: { width: 48, height: 30, channels: 3, background: '#4a8' } });
    const own = page.getByLabel('Or one of your own');
    await own.setInputFiles({
      name: 'mine.png',
      mimeType: 'image/png',
      buffer: await plain.png().toBuffer(),
    });
    await page.getByText('mine.png').first().waitFor();
    await page.getByRole('button', { name: 'Hide the lower half' }).click();
    await page.getByRole('button', { name: 'Complete it' }).click();
    const sides = 'one => [one.width, one.height]';
    await page.locator('.results figure').nth(6).waitFor();
    expect(await page.evaluate(`(${sides})(document.querySelector('.results canvas'))`)).toEqual([48, 30]);
    await page.close();
  });

  it('three hundred functions are opened with their model beside them, and read', async () => {
    const page = await studio.browser.newPage();
    await page.goto(`${studio.url}/studio/functa.js`);
    const shapes = await page.evaluate(`(async () => {
      const { sharedReader } = await import('/studio/functa.js');
      const model = new Uint8Array(await (await fetch('/v1/models/fashion-mnist/file')).arrayBuffer());
      const file = Uint8Array.from(atob('${demo.toString('base64')}'), (c) => c.charCodeAt(0));
      const part = { x: 0, y: 0, width: 28, height: 28 };
      const found = new Set();
      for (let item = 0; item < 300; item++) {
        const { key, shape } = await sharedReader().open({ file, model, item });
        const { rgba } = await sharedReader().draw(key, { width: 28, height: 28, part });
        found.add(shape + ' ' + rgba.length);
      }
      return [...found];
    })()`);
    expect(shapes).toEqual(['28,28 3136']);
    await page.close();
  });
});
