/** The service and its client in one process. */
import { readFile } from 'node:fs/promises';
import { FunctaClient } from 'functa/client';
import { startServer } from 'functa/server';

const [picture = 'test/fixtures/datasets/emoji/1f40c.png'] = process.argv.slice(2);

const server = await startServer({ port: 0 });
const client = new FunctaClient(server.url);
const names = (await client.models()).map(({ name }) => name);
console.log(`models: ${names.join(', ')}`);

const { bytes, psnrDb } = await client.encode('emoji', await readFile(picture), {
  type: 'image/png',
  quality: 50,
});
const large = await client.decode('emoji', bytes, { size: '2x', format: 'png' });
console.log(
  `${bytes.length} bytes at ${psnrDb.toFixed(1)} dB; decoded twice as large in ${large.length} bytes of PNG`,
);
await server.close();
