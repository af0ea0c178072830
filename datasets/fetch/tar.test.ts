import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { FunctaError } from '../../src/core/errors.ts';
import { readTarball } from './tar.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-tar-'));
afterAll(() => rmSync(directory, { recursive: true }));
const withCode = (code: string) => expect.objectContaining({ code });

function entry(name: string, body: string, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write(type, 156);
  header.write('ustar\0', 257);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padded = Buffer.alloc(Math.ceil(body.length / 512) * 512);
  padded.write(body);
  return Buffer.concat([header, padded]);
}

const archive = Buffer.concat([
  entry('package/', '', '5'),
  entry('package/a.txt', 'hello'),
  entry('package/skipped', 'x'.repeat(3000)),
  entry('PaxHeader', '32 path=package/a-long-name.txt\n', 'x'),
  entry('package/short', 'long'),
  entry('package/empty', ''),
  Buffer.alloc(1024),
]);

async function read(bytes: Uint8Array, maxFileBytes = 1000): Promise<Record<string, string>> {
  const path = join(directory, 'x.tgz');
  writeFileSync(path, bytes);
  const found: Record<string, string> = {};
  const want = (name: string) => !name.endsWith('skipped');
  const use = (name: string, body: Uint8Array) => {
    found[name] = Buffer.from(body).toString();
  };
  await readTarball(path, want, use, { maxFileBytes });
  return found;
}

test('wanted files are given whole under their long names, the others passed over', async () => {
  expect(await read(gzipSync(archive))).toEqual({
    'package/a.txt': 'hello',
    'package/a-long-name.txt': 'long',
    'package/empty': '',
  });
});

test('a cut archive, a damaged header, a foreign file and a file over the limit each have their code', async () => {
  await expect(read(gzipSync(archive.subarray(0, 900)))).rejects.toThrow(withCode('truncated'));
  const damaged = Buffer.from(archive);
  damaged[512] = 0x51;
  await expect(read(gzipSync(damaged))).rejects.toThrow(withCode('bad-tar'));
  await expect(read(Buffer.from('not gzip'))).rejects.toThrow(withCode('bad-tar'));
  await expect(read(gzipSync(archive), 4)).rejects.toThrow(withCode('limit-tar-file-bytes'));
});

test('any change to an archive: files, or a tagged error', async () => {
  const edits = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const changed = Buffer.from(archive);
      for (const [at, value] of changes) changed[at] = value;
      await read(gzipSync(changed)).catch((error) => expect(error).toBeInstanceOf(FunctaError));
    }),
    { numRuns: 200 },
  );
});
