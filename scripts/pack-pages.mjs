/** Packs what pages are made of once, at the build: beside each file one of Brotli and one of gzip, which the service sends in its place. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

for (const folder of ['studio', 'web']) {
  for (const name of readdirSync(join(dist, folder))) {
    if (!/\.(html|js|css)$/.test(name)) continue;
    const path = join(dist, folder, name);
    const bytes = readFileSync(path);
    writeFileSync(`${path}.br`, brotliCompressSync(bytes));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}
