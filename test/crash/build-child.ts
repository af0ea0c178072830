/** Builds a functaset and says on stdout which functions are on the disk: model file, store. */
import { readFileSync, writeSync } from 'node:fs';
import { openEngine } from '../../src/engine/index.ts';
import { readModel } from '../../src/field/model.ts';
import { buildFunctaset } from '../../src/jobs/jobs.ts';

const [modelPath, path] = process.argv.slice(2) as [string, string];
await buildFunctaset({
  model: readModel(readFileSync(modelPath)),
  engine: await openEngine(),
  path,
  data: 'fixture-fashion',
  split: 'train',
  batch: 1,
  resume: true,
  // written at once, so that a kill loses nothing that was said
  onFlushed: (ids) => writeSync(1, `${ids.join('\n')}\n`),
});
process.exit(0);
