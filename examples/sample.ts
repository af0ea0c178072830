/** New signals of one class: `sample.ts 8 bags.png` (8 is a bag in Fashion-MNIST). */
import { writeFile } from 'node:fs/promises';
import { contactSheet, loadModel, openEngine, openSession, writeImage } from 'functa';

const [label = '8', sheet = 'bags.png'] = process.argv.slice(2);

const model = await loadModel('fashion-mnist');
const engine = await openEngine();
const session = openSession({ model, engine });
const { signals, archive } = await session.sample({
  ...{ count: 4, seed: 1, prior: 'diffusion', label: Number(label) },
  ...{ guidance: 6, temperature: 0.975, steps: 8 },
});
await writeFile(sheet, await writeImage(contactSheet(signals), 'png'));
console.log(`${signals.length} signals in ${archive.length} bytes; the same seed gives the same bytes`);
await engine.close();
