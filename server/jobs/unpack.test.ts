import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultLimits } from '../../src/core/limits.ts';
import { storedZip } from '../../src/formats/zip.ts';
import { defaultJobLimits } from './limits.ts';
import type { JobPlaces } from './record.ts';
import { unpacked } from './unpack.ts';

const png = await readFile('test/fixtures/datasets/emoji/1f33d.png');
const npy = new TextEncoder().encode('\x93NUMPY');
let work: string;

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'functa-unpack-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

test('a ZIP of files is a directory, without what begins with a dot and what an archiver added', async () => {
  const files = {
    'a.png': png,
    'corn/b.png': png,
    '.DS_Store': npy,
    '__MACOSX/corn/._b.png': npy,
  };
  const directory = await unpackedZip(files);
  expect(await readdir(directory)).toEqual(['a.png', 'corn']);
  expect(await readFile(join(directory, 'corn', 'b.png'))).toEqual(png);
});

test('a ZIP that is a signal of its own stays a file', async () => {
  expect(await readdir(await unpackedZip({ 'values.npy': npy, 'more.npy': npy }))).toEqual(['signal.npz']);
});

test.each(['../out.png', '/out.png', 'a/../../out.png', 'a\\..\\..\\out.png', 'C:\\out.png'])(
  'a name that is none below the directory is refused: %s',
  async (name) => {
    await expect(unpackedZip({ 'a.png': png, [name]: png })).rejects.toMatchObject({ code: 'bad-zip' });
    expect(await readdir(work)).not.toContain('files');
  },
);

test('more files, or more bytes, than a job takes', async () => {
  const files = { 'a.png': png, 'b.png': png };
  await expect(unpackedZip(files, { archiveFiles: 1 })).rejects.toMatchObject({
    code: 'limit-archive-files',
  });
  await expect(unpackedZip(files, { archiveGrowth: 0.5 })).rejects.toMatchObject({
    code: 'limit-archive-bytes',
  });
});

async function unpackedZip(files: Readonly<Record<string, Uint8Array>>, limits = {}): Promise<string> {
  const upload = join(work, 'upload');
  await writeFile(upload, storedZip(new Map(Object.entries(files))));
  const places = { work, upload } as JobPlaces;
  const jobLimits = { ...defaultJobLimits, ...limits };
  return unpacked({ places, jobLimits, limits: defaultLimits, signal: new AbortController().signal });
}
