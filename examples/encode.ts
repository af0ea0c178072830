/** A picture to bytes, and back at four times its size: `encode.ts picture.png large.png`. */
import { readFile, writeFile } from 'node:fs/promises';
import { loadModel, openEngine, openSession, readSignal, writeImage } from 'functa';

const [picture = 'test/fixtures/datasets/emoji/1f40c.png', large = 'large.png'] = process.argv.slice(2);

const model = await loadModel('photos');
const engine = await openEngine();
const session = openSession({ model, engine });

const signal = await readSignal(await readFile(picture), { for: model });
const { bytes, psnrDb, bitsPerPoint } = await session.encode(signal, { quality: 60, effort: 2 });
console.log(`${bytes.length} bytes, ${psnrDb.toFixed(1)} dB, ${bitsPerPoint.toFixed(2)} bits a pixel`);

const decoded = await session.decode(bytes, { size: '4x' });
await writeFile(large, await writeImage(decoded, 'png'));
console.log(`${large}: ${decoded.shape.join(' x ')}`);
await engine.close();
