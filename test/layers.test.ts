import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { breaches, cycles } from './layers.ts';

const root = new URL('..', import.meta.url);

it('every import goes down, and portable code stays portable', () => {
  const paths = sourcePaths();
  expect(paths.length).toBeGreaterThan(20);
  const sources = paths.map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }));
  expect(breaches(sources)).toEqual([]);
});

it('no layer stands on itself by way of others', () => {
  expect(cycles()).toEqual([]);
});

it.each([
  ['an arrow that goes up', 'src/core/a.ts', "import { x } from '../field/spec.ts';"],
  ['an arrow that goes up in a type', 'codec/a.ts', "import type { S } from '../src/signal/signal.ts';"],
  ['an arrow that goes up when it runs', 'src/learn/a.ts', "await import('../jobs/index.ts');"],
  ['an arrow across', 'src/functaset/a.ts', "export { x } from '../engine/index.ts';"],
  [
    'the inference of a prior that leans on its training',
    'prior/a.ts',
    "import { x } from './train/fit.ts';",
  ],
  ['an edge that leans on the other edge', 'server/a.ts', "import { x } from '../src/cli/files.ts';"],
  ['Node in portable code', 'src/field/a.ts', "import { readFileSync } from 'node:fs';"],
  ['a package in portable code', 'prior/a.ts', "import sharp from 'sharp';"],
  ['a Node global in portable code', 'codec/a.ts', 'const b = Buffer.from(bytes);'],
  ['a float function beside the coder', 'codec/a.ts', 'const bits = Math.log2(total / frequency);'],
  ['a power in the inference of a prior', 'prior/a.ts', 'const scale = 2 ** notch;'],
  [
    'a barrel with the names of another room',
    'src/session/index.ts',
    "export { x } from '../signal/rows.ts';",
  ],
  ['an atomic write of its own', 'src/learn/a.ts', 'renameSync(fresh, path);'],
  ['a prior by its name', 'src/session/a.ts', "if (kind === 'diffusion') return 4;"],
  ['a picture above the formats', 'src/session/a.ts', 'if (isPicture(card)) return 255;'],
  ['a suffix above the formats', 'src/cli/a.ts', "const output = stem + '.npy';"],
  ['a folder that nobody named', 'src/misc/a.ts', ''],
])('%s is found', (_what, path, text) => {
  expect(breaches([{ path, text }])).toHaveLength(1);
});

it.each([
  ['prior/train/a.ts', "import * as tf from '../../src/engine/tfjs/tf.ts'; const x = Math.exp(1);"],
  ['src/cli/a.ts', "import { serve } from '../../server/index.ts'; import { mse } from '../core/units.ts';"],
  ['codec/a.ts', '// Buffer.from(bytes) would be Math.log2\nconst url = "https://example.org";'],
  ['src/formats/a.ts', 'const suffix = ".png";'],
  ['codec/a.test.ts', "import { decode } from '../src/jobs/index.ts';"],
])('%s may do what it does', (path, text) => {
  expect(breaches([{ path, text }])).toEqual([]);
});

function sourcePaths(): string[] {
  return ['src', 'prior', 'codec', 'datasets', 'server'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${folder}/${path}`),
  );
}
