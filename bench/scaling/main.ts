/**
 * What docs/results/scaling.md tells:
 *
 *   npm run bench:scaling -- load [functions]
 *   npm run bench:scaling -- changes [functions]
 *   npm run bench:scaling -- queue [jobs of a worker] [rounds]
 *   npm run bench:scaling -- near [functions] [questions] [of which are compared with all] [auto, exact or hnsw]
 */
import { measureChanges } from './changes.ts';
import { measureLoad } from './load.ts';
import { measureNear } from './near.ts';
import { measureQueue } from './queue.ts';

const [what = 'load', ...counts] = process.argv.slice(2);
const count = (at: number, usual: number) => Number(counts[at] ?? usual);
switch (what) {
  case 'load':
    await measureLoad(count(0, 1_000_000));
    break;
  case 'changes':
    await measureChanges(count(0, 1_000_000));
    break;
  case 'near':
    await measureNear(count(0, 1_000_000), {
      queries: count(1, 200),
      truth: count(2, 20),
      method: counts[3] ?? 'auto',
    });
    break;
  case 'queue':
    await measureQueue(count(0, 60), count(1, 3));
    break;
  default:
    throw new Error(`no measurement is called ${what}`);
}
