/** The way through each page of Studio, for tests and for the pictures of docs/studio.md. */
import type { Page } from 'playwright-core';

type Walk = (page: Page) => Promise<void>;

const to = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click();

export const pathsOf: Readonly<Record<string, Walk>> = {
  async encode(page) {
    await page.getByRole('button', { name: 'Take a garment' }).click();
    await page.getByText('Bits per point').waitFor();
    await page.locator('functa-view canvas').waitFor();
    await page.getByRole('img', { name: /as AVIF$/ }).waitFor();
  },
  async zoom(page) {
    await to(page, 'Zoom');
    const canvas = page.locator('functa-view canvas').first();
    await canvas.focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press('+');
    await page.evaluate(
      'Promise.all([...document.querySelectorAll("functa-view")].map((view) => view.drawn))',
    );
  },
  async functasets(page) {
    await to(page, 'Functasets');
    await page.locator('.thumbs button').nth(3).click();
    await page.locator('.chosen .thumbs img').first().waitFor();
  },
  async map(page) {
    await to(page, 'Functasets');
    await page.getByLabel('Order').selectOption('map');
    const map = page.locator('canvas.map');
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.chosen figure').waitFor();
  },
  async sample(page) {
    await to(page, 'Sample');
    await page.getByLabel('Prior').locator('option').first().waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await page.getByRole('button', { name: 'Choose draw 1', exact: true }).click();
    await page.getByRole('button', { name: 'Choose draw 4', exact: true }).click();
    await page.getByRole('slider', { name: 'Way' }).fill('0.4');
  },
  async complete(page) {
    await to(page, 'Complete');
    await page.locator('.painting img').waitFor();
    await page.getByRole('button', { name: 'Hide the lower half' }).click();
    await page.getByRole('button', { name: 'Complete it' }).click();
    await page.locator('.results figure').nth(6).waitFor();
  },
  async jobs(page) {
    await to(page, 'Jobs');
    await page.getByLabel('Steps').fill('2000');
    // of two clicks one asks
    await page.getByRole('button', { name: 'Start' }).dblclick();
    await page.locator('td .state').first().waitFor();
    if ((await page.locator('td .state', { hasText: /queued|running/ }).count()) > 1)
      throw new Error('a double click asked for two jobs');
    await page.locator('.curves figure').first().waitFor();
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const first = page.locator('td .state').first();
    await button('Pause').click();
    await first.filter({ hasText: 'paused' }).waitFor();
    await button('Resume').click();
    await first.filter({ hasText: /queued|running/ }).waitFor();
    await button('Cancel').click();
    await first.filter({ hasText: 'cancelled' }).waitFor();
  },
  async models(page) {
    await to(page, 'Models');
    await page.locator('.card').first().waitFor();
  },
};
