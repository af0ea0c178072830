/** A decode of any size to a file, a block of rows at a time: `stream.ts found.functa huge.png 64x`. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { findModelOf, openEngine, openSession, pngChunks } from 'functa';

const [found = 'models/fashion-mnist/demo.functa', huge = 'huge.png', size = '64x'] = process.argv.slice(2);

const bytes = await readFile(found);
const engine = await openEngine();
const session = openSession({ model: await findModelOf(bytes), engine });
const rows = await session.decodeRows(bytes, { size });
await pipeline(Readable.from(pngChunks(rows)), createWriteStream(huge));
console.log(`${huge}: ${rows.shape.join(' x ')}, held in memory a block of rows at a time`);
await engine.close();
