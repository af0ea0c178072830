import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functa, functaJson } from './in-process.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'functa-data-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('functa data list', () => {
  it('names every data set with its licence and whether it is here', async () => {
    const { status, json, stderr } = await functaJson(['data', 'list', '--cache-dir', directory]);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    const byName = Object.fromEntries(json.datasets.map((d: { name: string }) => [d.name, d]));
    expect(byName.cifar10).toMatchObject({ state: 'fetch', redistributable: false });
    expect(byName['fashion-mnist']).toMatchObject({ state: 'fetch', redistributable: true });
    expect(byName['fixture-fashion']).toMatchObject({ state: 'ready' });
  });

  it('without --json is a table', async () => {
    const { status, stdout } = await functa(['data', 'list', '--cache-dir', directory]);
    expect(status).toBe(0);
    const [head, ...rows] = stdout.toString().trimEnd().split('\n');
    expect(head).toMatch(/^name +state +what +licence$/);
    expect(rows.some((row) => /^cifar10 +fetch 1\d\d MB /.test(row))).toBe(true);
  });
});

describe('functa data fetch', () => {
  it('of an unknown name says which there are', async () => {
    const { status, stderr } = await functa(['data', 'fetch', 'imagenet']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^functa: no data set is called imagenet; there are .*cifar10.* \[unknown-dataset\]\n$/,
    );
  });

  it('of a set that ships with the package has nothing to do', async () => {
    const { status, json } = await functaJson(['data', 'fetch', 'fixture-fashion', '--cache-dir', directory]);
    expect(status).toBe(0);
    expect(json).toMatchObject({ dataset: 'fixture-fashion', alreadyThere: true });
  });

  it('into a place that cannot be one leaves nothing behind', async () => {
    const file = join(directory, 'a-file');
    writeFileSync(file, '');
    const { status, json, stderr } = await functaJson([
      'data',
      'fetch',
      'cifar10',
      '--cache-dir',
      join(file, 'data'),
    ]);
    expect(status).toBe(1);
    expect(json.error).toMatchObject({ code: 'cache-not-writable', kind: 'environment' });
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/\[cache-not-writable\]$/);
    expect(readdirSync(directory)).toEqual(['a-file']);
  });
});
