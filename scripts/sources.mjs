// Tells whether dist/ is what the sources compile to: a digest of all that goes into it, kept beside it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['src', 'prior', 'codec', 'datasets', 'server'];
const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];

/** SHA-256 over the names and contents of all sources, and what says how they are compiled. */
export function sourcesDigest(root) {
  const hash = createHash('sha256');
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(tsx?|css|html)$/.test(name) && !name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  for (const file of [...settings, ...files.sort()]) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Whether the last whole build was of these sources. */
export function isBuilt(root) {
  try {
    return readFileSync(note(root), 'utf8') === sourcesDigest(root);
  } catch {
    return false;
  }
}

/** To be called after a whole build. */
export function noteBuilt(root, digest) {
  writeFileSync(note(root), digest);
}

const note = (root) => join(root, 'dist', '.sources');
