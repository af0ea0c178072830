/** A file found somewhere: `open.ts found.functa part.png`. */
import { readFile, writeFile } from 'node:fs/promises';
import { findModelOf, inspect, openEngine, openSession, writeImage } from 'functa';

const [found = 'models/fashion-mnist/demo.functa', part = 'part.png'] = process.argv.slice(2);

const bytes = await readFile(found);
const { kind, count, quality } = inspect(bytes);
console.log(`${kind} of ${count} functions at quality ${quality}, ${bytes.length} bytes`);

// The model whose digest the file carries; a directory of your own models is `{ directories: ['mine'] }`.
const model = await findModelOf(bytes);
const engine = await openEngine();
const session = openSession({ model, engine });

const fn = await session.open(bytes, { item: count - 1 });
console.log(
  `the last is ${fn.id}: ${fn.shape.join(' x ')} samples, ${fn.channels} channel(s), by ${model.card.name}`,
);
const upper = await fn.decode({ size: '8x', region: `y=0:${4 * fn.shape[0]!}` });
await writeFile(part, await writeImage(upper, 'png'));
await engine.close();
