/**
 * Makes golden files:  npx tsx test/conformance/make-vectors.ts [MODEL ...]
 *
 * Without arguments: the tiny models and their files. With paths of model files (from the root of the repository): adds
 * files for those. A golden file that exists is never replaced: it is what the format promised.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readModel } from '../../src/field/model.ts';
import { makeTinyModel, tinyModels } from './tiny-models.ts';
import { makeVectors, sha256, type VectorsOfModel } from './vectors.ts';

const folder = join(import.meta.dirname, 'vectors');
const manifestPath = join(folder, 'manifest.json');

mkdirSync(folder, { recursive: true });
const manifest: VectorsOfModel[] = existsSync(manifestPath)
  ? JSON.parse(readFileSync(manifestPath, 'utf8'))
  : [];
const models = process.argv.slice(2);
if (models.length === 0) {
  for (const tiny of tinyModels) {
    const path = `test/conformance/vectors/${tiny.name}.safetensors`;
    if (!existsSync(path)) writeFileSync(path, makeTinyModel(tiny));
    models.push(path);
  }
}
for (const path of models) {
  const bytes = new Uint8Array(readFileSync(path));
  const known = manifest.find(({ modelSha256 }) => modelSha256 === sha256(bytes));
  const stem = basename(path).replace(/\.[^.]*$/, '');
  // A bundled model is called like its directory.
  const name = stem === 'model' ? basename(dirname(path)) : stem;
  const made = makeVectors(readModel(bytes), name).filter(
    ({ vector }) => !known?.vectors.some(({ file }) => file === vector.file),
  );
  for (const { vector, bytes: file } of made) writeFileSync(join(folder, vector.file), file, { flag: 'wx' });
  const vectors = made.map(({ vector }) => vector);
  if (known === undefined) manifest.push({ model: path, modelSha256: sha256(bytes), vectors });
  else known.vectors.push(...vectors);
  console.log(`${path}: ${made.length} files`);
}
writeFileSync(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
