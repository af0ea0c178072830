/** A model learnt by a job of the service: signals are sent, the job is followed, and what it made is used. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FunctaClient } from 'functa/client';
import { startServer } from 'functa/server';
import { create } from 'tar';

const [directory = 'test/fixtures/datasets', folder = 'emoji', steps = '4'] = process.argv.slice(2);

const home = await mkdtemp(join(tmpdir(), 'functa-home-'));
const server = await startServer({ port: 0, home });
const client = new FunctaClient(server.url);

const archive = await create({ cwd: directory, gzip: true }, [folder]).concat();
const upload = await client.jobs.upload(archive);
const { id } = await client.jobs.add({
  kind: 'learn',
  model: 'mine',
  data: { upload: upload.id },
  split: 'all',
  recipe: 'spatial',
  latent: 8,
  steps: Number(steps),
  overrides: { batch: 4, spec: { width: 24, layers: 2 } },
});
await client.jobs.wait(id, {
  onEvent: (event) => {
    if (event.type === 'progress')
      console.log(`step ${event.done} of ${event.total}: ${event.figures.psnrDb?.toFixed(1)} dB`);
  },
});

// symbols cost what the priors of a model say
const priors = await client.jobs.add({
  kind: 'prior',
  model: 'mine',
  data: { upload: upload.id },
  split: 'all',
  kinds: ['histogram'],
  limit: 8,
});
await client.jobs.wait(priors.id);

const picture = await readFile(join(directory, folder, '1f40c.png'));
const { bytes, psnrDb } = await client.encode('mine', picture, { quality: 50 });
console.log(`${bytes.length} bytes at ${psnrDb.toFixed(1)} dB by a model that was learnt just now`);
await server.close();
await rm(home, { recursive: true });
