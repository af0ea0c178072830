/** Every page of Studio by click and by keyboard, light and dark, wide and narrow: behind FUNCTA_TESTS=all. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { demoFunctasets } from '../../src/jobs/index.ts';
import { chromiumPath, findingsOf, watched } from './browser.ts';
import { pathsOf } from './paths.ts';
import { studioInBrowser } from './studio.ts';

const isAsked = process.env.FUNCTA_TESTS === 'all';
const looks = [
  { colorScheme: 'light', width: 1200 },
  { colorScheme: 'dark', width: 400 },
] as const;

describe.skipIf(chromiumPath === undefined || !isAsked)('pages of Studio', { timeout: 600_000 }, () => {
  const studio = studioInBrowser(async () => ({ functasets: await demoFunctasets({}) }));

  async function opened(look: (typeof looks)[number]): Promise<Page> {
    const { colorScheme, width } = look;
    const context = await studio.browser.newContext({
      bypassCSP: true,
      colorScheme,
      viewport: { width, height: 900 },
    });
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    return page;
  }

  for (const look of looks) {
    for (const [name, walk] of Object.entries(pathsOf)) {
      it(`${name}, ${look.colorScheme}, ${look.width} wide`, async () => {
        const page = await opened(look);
        const seen = watched(page, studio.url);
        await page.goto(studio.url);
        await walk(page);
        expect(await findingsOf(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
        expect(seen.foreign).toEqual([]);
        await page.context().close();
      });
    }
  }

  it('is walked by keyboard alone', async () => {
    const page = await opened(looks[0]);
    await page.goto(studio.url);
    // a page is loaded before its modules have run
    await page.getByRole('heading', { name: 'Encode' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    for (const name of ['Zoom', 'Functasets', 'Sample', 'Complete', 'Jobs', 'Models']) {
      await page.getByRole('link', { name, exact: true }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }
    await page.context().close();
  });

  it('says that the service does not answer', async () => {
    const page = await opened(looks[0]);
    await page.goto(studio.url);
    await page.getByRole('heading', { name: 'Encode' }).waitFor();
    await page.context().setOffline(true);
    await page.getByRole('link', { name: 'Models' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('does not answer');
    await page.context().close();
  });
});
