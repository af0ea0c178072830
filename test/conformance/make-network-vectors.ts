/**
 * Makes golden network files:  npx tsx test/conformance/make-network-vectors.ts
 *
 * A golden file that exists is never replaced: it is what the format promised.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeNetwork, makeNetworkVectors, type NetworkVector } from './network-vectors.ts';

const folder = join(import.meta.dirname, 'vectors');
const manifestPath = join(folder, 'networks.json');
const manifest: NetworkVector[] = existsSync(manifestPath)
  ? JSON.parse(readFileSync(manifestPath, 'utf8'))
  : [];
const made = makeNetworkVectors().filter(({ file }) => !manifest.some((known) => known.file === file));
for (const { file, bytes } of made) {
  writeFileSync(join(folder, file), bytes, { flag: 'wx' });
  manifest.push(describeNetwork(file, bytes));
}
writeFileSync(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${made.length} files`);
