/** Makes the index and the graph of a functaset again and again until it is killed: model file, store. Says when each is there. */
import { readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../../src/engine/index.ts';
import { readModel } from '../../src/field/model.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { NearIndexes } from '../../src/query/index.ts';

const [modelPath, path] = process.argv.slice(2) as [string, string];
const model = readModel(readFileSync(modelPath));
const engine = await openEngine();
const store = await openFunctaset(path, { readOnly: true });
for (;;) {
  const indexes = new NearIndexes({ store, model, engine });
  writeSync(1, 'begun\n');
  const index = await indexes.get('values');
  await indexes.link('values', index);
  writeSync(1, 'there\n');
  for (const name of readdirSync(path)) {
    if (name.endsWith('.index') || name.endsWith('.graph')) rmSync(join(path, name));
  }
}
