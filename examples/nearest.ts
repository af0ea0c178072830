/** What is nearest to a picture, and a question about a part of every function. */
import { readFile } from 'node:fs/promises';
import { createFunctaset, loadModel, openDataset, openEngine, readSignal } from 'functa';

const [path = 'garments.functaset', picture] = process.argv.slice(2);

const model = await loadModel('fashion-mnist');
const engine = await openEngine();
const set = await createFunctaset(path, { model, engine });
const data = await openDataset('fixture-fashion', 'train');
const garments = await Promise.all(Array.from({ length: data.length }, (_, i) => data.get(i)));
await set.add(garments);

const asked =
  picture === undefined ? garments[0]! : await readSignal(await readFile(picture), { for: model });
for (const { id, label, distance } of await set.near(asked, { k: 3 }))
  console.log(`${id}, label ${label}: ${distance.toFixed(3)} off`);

// Bright in the upper half, asked of the functions and not of their pictures.
const bright = await set.query({
  kind: 'where',
  filter: { field: [{ statistic: 'mean', region: 'y=0:14', above: 0.4 }] },
});
console.log(`${bright.items.length} of ${set.count} are bright above`);
await set.close();
await engine.close();
