/** Learns a tiny network with a checkpoint at the path given, prints each step that is done, then the digest of what came out. */
import { createHash } from 'node:crypto';
import { openReference } from '../../src/engine/reference/reference.ts';
import { tinyRecipe, waves } from '../../src/learn/testing.ts';
import { train } from '../../src/learn/trainer.ts';

const [checkpointPath] = process.argv.slice(2);
const engine = await openReference();
const { network, steps, scales } = await train({
  engine,
  source: waves(10),
  recipe: tinyRecipe({ steps: 24, checkpointEvery: 1, phases: { distortion: 9, rounded: 5, coded: 4 } }),
  checkpointPath,
  resume: checkpointPath === undefined ? false : 'auto',
  onEvent: (event) => {
    if (event.type === 'start' || event.type === 'progress') process.stdout.write(`step ${event.step}\n`);
  },
});
const hash = createHash('sha256');
for (const { buffer } of [network.weights, network.rates, steps, scales]) hash.update(new Uint8Array(buffer));
process.stdout.write(`digest ${hash.digest('hex')}\n`);
