/** A real browser for tests, where there is one. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';

/** Of Debian and of others; FUNCTA_CHROMIUM names one that is elsewhere. */
const places = [
  process.env.FUNCTA_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

export const chromiumPath = places.find((path) => path !== undefined && existsSync(path));

if (chromiumPath === undefined)
  console.log(
    'no Chromium here: tests in a browser are skipped; apt-get install chromium, or set FUNCTA_CHROMIUM',
  );

export async function openBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: chromiumPath!,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: 120_000,
  });
}

/** What a page asked for outside of `origin`, and what it complained of. */
export function watched(
  page: Page,
  origin: string,
): { readonly foreign: string[]; readonly complaints: string[] } {
  const found = { foreign: [] as string[], complaints: [] as string[] };
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) found.foreign.push(url);
  });
  page.on('pageerror', (error) => found.complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) found.complaints.push(message.text());
  });
  return found;
}

let axe: string | undefined;

/** Serious and critical findings of axe-core. The page's context has to bypass its policy. */
export async function findingsOf(page: Page): Promise<string[]> {
  axe ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const found = (await page.evaluate('axe.run({ resultTypes: ["violations"] })')) as {
    violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
}
