import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { compiled } from '../compiled.ts';
import { temporary } from '../temporary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'));
/** Within the package, so that they import it by its name. */
const folder = join(root, 'build', 'examples');

/** What each is given, in a directory that goes, and what it has to say. */
const runs: Readonly<Record<string, { readonly args?: (at: string) => string[]; readonly says: RegExp }>> = {
  'array.ts': { says: /as a function, at most 0\.\d+ off/ },
  'complete.ts': { args: (at) => [join(at, 'between.png')], says: /5 functions between two/ },
  'encode.ts': {
    args: (at) => ['test/fixtures/datasets/emoji/1f40c.png', join(at, 'large.png')],
    says: /large\.png: 256 x 256/,
  },
  'evaluate.ts': { says: /f\(13\.75, 13\.5\) = -?[\d.]+, gradient/ },
  'functaset.ts': {
    args: (at) => ['test/fixtures/datasets/emoji', join(at, 'mine.functaset')],
    says: /are left, all whole/,
  },
  'jobs.ts': { says: /by a model that was learnt just now/ },
  'nearest.ts': { args: (at) => [join(at, 'garments.functaset')], says: /bright above/ },
  'open.ts': {
    args: (at) => ['models/fashion-mnist/demo.functa', join(at, 'part.png')],
    says: /28 x 28 samples, 1 channel/,
  },
  'pytorch.ts': {
    args: (at) => [join(at, 'modulations.safetensors'), join(at, 'exported.functaset')],
    says: /16 functions/,
  },
  'sample.ts': { args: (at) => ['8', join(at, 'bags.png')], says: /4 signals in \d+ bytes/ },
  'serve.ts': { says: /decoded twice as large/ },
  'stream.ts': {
    args: (at) => ['models/fashion-mnist/demo.functa', join(at, 'huge.png'), '16x'],
    says: /448 x 448/,
  },
  'thumbnails.ts': { args: () => ['60'], says: /functions backed up: [\s\S]*restored under another name/ },
  'train.ts': {
    args: (at) => [join(at, 'curves.safetensors'), '40'],
    says: /a curve it never saw: \d+ bytes/,
  },
};

beforeAll(() => compiled(), 300_000);

it('every program is run', () => {
  expect(Object.keys(runs).sort()).toEqual(programs.sort());
});

it.each(programs)('%s runs as it is written', { timeout: 120_000 }, async (name) => {
  const { code } = await transform(readFileSync(join(root, 'examples', name), 'utf8'), { loader: 'ts' });
  mkdirSync(folder, { recursive: true });
  const program = join(folder, name.replace(/\.ts$/, '.mjs'));
  writeFileSync(program, code);
  const { args = () => [], says } = runs[name]!;
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args(temporary())], {
    cwd: root,
  });
  expect(stdout).toMatch(says);
});
