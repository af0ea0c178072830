/** A store of one's own signals: `functaset.ts DIRECTORY-OF-PICTURES mine.functaset`. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFunctaset, loadModel, openEngine, readSignal } from 'functa';

const [directory = 'test/fixtures/datasets/emoji', path = 'mine.functaset'] = process.argv.slice(2);

const model = await loadModel('emoji');
const engine = await openEngine();
const set = await createFunctaset(path, { model, engine });

async function* pictures() {
  for (const name of (await readdir(directory)).filter((file) => file.endsWith('.png')))
    yield readSignal(await readFile(join(directory, name)), { for: model, id: name });
}
// Fitted, coded and written some at a time: what is added is on the disk.
const ids = await set.add(pictures(), { quality: 45 });
const { codedBytes, meanPsnrDb } = await set.stats();
console.log(`${ids.length} functions, ${codedBytes} bytes, ${meanPsnrDb?.toFixed(1)} dB`);

const fn = await set.get(ids[0]!);
console.log(`${fn.id} is ${(await fn.toBytes()).length} bytes of its own`);
await set.delete([ids[0]!]);
console.log(`${set.count} are left, ${(await set.verify()).ok ? 'all whole' : 'some damaged'}`);
await set.close();
await engine.close();
