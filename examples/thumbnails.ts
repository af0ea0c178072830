/**
 * A web engineer's path, over HTTP alone: a functaset, thumbnails in, listed, drawn at three sizes, near duplicates found and taken out, all
 * backed up, the functaset taken away and restored. With a number as an argument it takes so many thumbnails; without one, 2,000.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FunctaClient } from 'functa/client';
import { startServer } from 'functa/server';
import sharp from 'sharp';

const [asked = '2000'] = process.argv.slice(2);
const count = Number(asked);
const model = 'cifar10';
const perRequest = 100;
const started = performance.now();
const step = (text: string) => console.log(`${((performance.now() - started) / 1000).toFixed(1)} s: ${text}`);

/** Crops of 32 x 32 of the pictures that come with the package, one after the other. */
async function* thumbnails(): AsyncGenerator<{ id: string; label: string; bytes: Uint8Array }> {
  const folder = 'test/fixtures/datasets/emoji';
  const names = (await readdir(folder)).filter((name) => name.endsWith('.png')).sort();
  const pictures = await Promise.all(names.map(async (name) => sharp(await readFile(join(folder, name)))));
  for (let i = 0; i < count; i++) {
    const which = i % pictures.length;
    const turn = Math.floor(i / pictures.length);
    const side = 40 + 2 * (turn % 12);
    const bytes = await pictures[which]!.clone()
      .flatten({ background: '#fff' })
      .resize(side, side)
      .extract({ left: turn % (side - 32), top: (7 * turn) % (side - 32), width: 32, height: 32 })
      .png()
      .toBuffer();
    yield { id: `thumbnail-${String(i).padStart(5, '0')}`, label: names[which]!.slice(0, -4), bytes };
  }
}

const home = await mkdtemp(join(tmpdir(), 'functa-thumbnails-'));
const server = await startServer({ port: 0, home, functasets: [] });
const client = new FunctaClient(server.url);
await client.createFunctaset('thumbnails', { model });

let bytes = 0;
let batch: { id: string; label: string; bytes: Uint8Array }[] = [];
const send = async () => {
  const { functions, errors } = await client.addFunctions('thumbnails', batch);
  if (errors.length > 0) throw new Error(errors[0]!.detail);
  bytes += functions.reduce((sum, { codedBytes }) => sum + codedBytes, 0);
  batch = [];
};
for await (const thumbnail of thumbnails()) {
  batch.push(thumbnail);
  if (batch.length === perRequest) await send();
}
if (batch.length > 0) await send();
step(`${count} thumbnails of 32 x 32 kept, ${(bytes / count).toFixed(0)} bytes each`);

const ids: string[] = [];
for await (const { id } of client.functions('thumbnails', { limit: 1000 })) ids.push(id);
step(`${ids.length} listed`);

for (const width of [32, 64, 128]) {
  const picture = await client.function('thumbnails', ids[0]!, { width, format: 'png' });
  step(
    `the first at ${width} x ${width}: ${picture.length} bytes of PNG, ${client.functionUrl('thumbnails', ids[0]!, { width })}`,
  );
}

const duplicates = new Set<string>();
let cursor: string | undefined;
do {
  const request = { kind: 'duplicates', maxDistance: 0.03, limit: 1000, ...(cursor && { cursor }) } as const;
  const { items, next } = await client.query('thumbnails', request);
  for (const { id } of items) duplicates.add(String(id));
  cursor = next ?? undefined;
} while (cursor !== undefined);
const taken =
  duplicates.size === 0 ? 0 : await client.deleteFunctions('thumbnails', { ids: [...duplicates] });
step(`${taken} near duplicates taken out`);

const snapshot = await client.snapshots.take('thumbnails');
const backup = await client.snapshots.file('thumbnails', snapshot.id);
step(`${snapshot.functions} functions backed up: ${backup.length} bytes, each of them checked`);

const { functions } = await client.functaset('thumbnails');
await client.deleteFunctaset('thumbnails');
step(`${functions} left, and the functaset taken away`);

const restored = await client.snapshots.restore('thumbnails', snapshot.id, { name: 'thumbnails-again' });
if (restored.functions !== functions) throw new Error(`${restored.functions} of ${functions} were restored`);
await client.function('thumbnails-again', ids.find((id) => !duplicates.has(id))!, { width: 32 });
step(`${restored.functions} restored under another name`);
await server.close();
await rm(home, { recursive: true, force: true });
