import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkOutput, readInput, writeOutput } from './files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'functa-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const stdout = new PassThrough();
const signal = new AbortController().signal;
const bytes = Uint8Array.of(1, 2, 3);

it('an output is whole under its name, and nothing else is left beside it', async () => {
  const path = join(directory, 'a.functa');
  await writeOutput(path, bytes, { stdout, force: false });
  expect(readdirSync(directory)).toEqual(['a.functa']);
  expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
});

it('an output that exists is kept unless force is given', async () => {
  const path = join(directory, 'a.functa');
  writeFileSync(path, 'old');
  await expect(checkOutput(path, false)).rejects.toMatchObject({ code: 'output-exists' });
  await expect(writeOutput(path, bytes, { stdout, force: false })).rejects.toMatchObject({
    code: 'output-exists',
  });
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(directory)).toEqual(['a.functa']);
  await writeOutput(path, bytes, { stdout, force: true });
  expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
});

it('an output in a directory that is missing is refused before the work', async () => {
  await expect(checkOutput(join(directory, 'no', 'a.png'), false)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(checkOutput(directory, true)).rejects.toMatchObject({ code: 'is-directory' });
});

it('a device takes bytes as it is', async () => {
  await writeOutput('/dev/null', bytes, { stdout, force: false });
});

it('a dash reads stdin and writes stdout', async () => {
  const stdin = Readable.from([Buffer.from('ab'), Buffer.from('c')]);
  expect(Buffer.from(await readInput('-', { stdin, maxBytes: 3, signal })).toString()).toBe('abc');
  const sink = new PassThrough();
  await writeOutput('-', bytes, { stdout: sink, force: false });
  expect(new Uint8Array(sink.read())).toEqual(bytes);
});

it('an input over the limit is refused, from a file by its size and from stdin while it comes', async () => {
  const path = join(directory, 'big');
  writeFileSync(path, 'abcd');
  const stdin = Readable.from([Buffer.from('ab'), Buffer.from('cd'), Buffer.from('ef')]);
  const limit = { code: 'limit-file-bytes', allowed: 3, asked: 4 };
  await expect(readInput(path, { stdin, maxBytes: 3, signal })).rejects.toMatchObject(limit);
  await expect(readInput('-', { stdin, maxBytes: 3, signal })).rejects.toMatchObject(limit);
});
