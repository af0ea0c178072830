import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { limitNames, limitTable } from '../../src/core/limits.ts';
import { functaJson } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;

beforeAll(async () => {
  place = await makeWorkplace();
});
afterAll(() => place.remove());

it('every limit has a row in docs/limits.md, with its flag and defaults', () => {
  const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');
  const cells = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  for (const name of limitNames) {
    const { flag, what, usual, server } = limitTable[name];
    expect(cells).toContainEqual(['', `\`${flag}\``, `\`${name}\``, what, String(usual), String(server), '']);
  }
});

it('a flag lowers or raises its limit, and the refusal names it', async () => {
  const encode = (...flags: string[]) =>
    functaJson([
      'encode',
      place.at('0.png'),
      '-m',
      place.model,
      '-o',
      place.at('limits.functa'),
      '--force',
      ...flags,
    ]);
  for (const [flag, limit] of [
    ['--max-work', 'multiply-adds'],
    ['--max-samples', 'samples'],
    ['--max-symbols', 'symbols'],
    ['--max-axis', 'axis'],
  ] as const) {
    expect(await encode(flag, '9')).toMatchObject({ status: 4, json: { error: { code: `limit-${limit}` } } });
    expect((await encode(flag, '1000000000')).status).toBe(0);
  }
}, 120_000);
