/** The rest of a signal from a part of it; what it shows; and what lies between two functions. */
import { writeFile } from 'node:fs/promises';
import {
  classify,
  complete,
  contactSheet,
  decodeTerms,
  loadModel,
  observeMasked,
  openDataset,
  openEngine,
  openSession,
  pathBetween,
  writeImage,
} from 'functa';

const [sheet = 'between.png'] = process.argv.slice(2);

const model = await loadModel('fashion-mnist');
const engine = await openEngine();
const session = openSession({ model, engine });
const data = await openDataset('fixture-fashion', 'test');
const [garment, other] = [await data.get(0), await data.get(1)];

// Only the upper half is known.
const observed = Uint8Array.from({ length: 28 * 28 }, (_, i) => Number(i < 14 * 28));
const { completed, observedPsnrDb } = await complete(
  session,
  observeMasked(garment, { shape: [28, 28], observed }),
  { draws: 0 },
);
console.log(`completed from its upper half, which it meets at ${observedPsnrDb.toFixed(1)} dB`);

const functions = await Promise.all(
  [garment, completed, other].map(async (signal) => session.open((await session.encode(signal)).bytes)),
);
const guesses = await classify(functions, {
  model,
  engine,
  classifier: 'models/fashion-mnist/classifier.safetensors',
  top: 1,
});
console.log(guesses.map(([best]) => `${best!.label} (${(100 * best!.probability).toFixed(0)} %)`).join(', '));

const path = pathBetween(functions[0]!, functions[2]!, 5);
await writeFile(sheet, await writeImage(contactSheet(await decodeTerms(session, path)), 'png'));
console.log(`${path.length} functions between two: ${sheet}`);
await engine.close();
