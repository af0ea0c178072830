/** `npm run bench:scaling -- load [functions]`: what docs/results/scaling.md tells. */
import { measureLoad } from './load.ts';

const [what = 'load', count] = process.argv.slice(2);
switch (what) {
  case 'load':
    await measureLoad(Number(count ?? 1_000_000));
    break;
  default:
    throw new Error(`no measurement is called ${what}`);
}
