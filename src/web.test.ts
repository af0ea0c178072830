import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { openEngine } from './engine/index.ts';
import { fitCoin } from './jobs/index.ts';
import { loadModel } from './models/index.ts';
import { openSession } from './session/index.ts';
import * as web from './web.ts';

const modelPath = new URL('../models/fashion-mnist/model.safetensors', import.meta.url);
const demoPath = new URL('../models/fashion-mnist/demo.functa', import.meta.url);

it('exports what it promises', () => {
  expect(Object.keys(web).sort()).toMatchSnapshot();
});

it('is bundled for a browser without Node or a package in it, and reads there what is read here', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL('web.ts', import.meta.url).pathname],
    ...{ bundle: true, format: 'esm', platform: 'browser', minify: true, write: false, metafile: true },
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => path.includes('node_modules'))).toEqual([]);
  const [{ text } = { text: '' }] = outputFiles;
  expect(text).not.toMatch(/["']node:/);
  expect(text.length).toBeLessThan(200_000);
  const { openReader } = (await import(
    `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
  )) as typeof web;

  const bytes = new Uint8Array(await readFile(demoPath));
  const reader = await openReader({ model: new Uint8Array(await readFile(modelPath)) });
  const { count } = reader.inspect(bytes);
  const fn = await reader.open(bytes, { item: count - 1 });
  const engine = await openEngine('wasm', { threads: 1 });
  try {
    const session = openSession({ model: await loadModel('fashion-mnist'), engine });
    const here = await session.open(bytes, { item: count - 1 });
    expect(fn.modulation).toEqual(here.modulation);
    for (const options of [{}, { size: '3x' }, { region: 'y=2:9' }])
      expect((await fn.decode(options)).values).toEqual((await here.decode(options)).values);
    expect(await fn.toBytes()).toEqual(await here.toBytes());
  } finally {
    await engine.close();
  }
});

it('the client is bundled for a browser without Node or a package in it', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL('../server/client/client.ts', import.meta.url).pathname],
    ...{ bundle: true, format: 'esm', platform: 'browser', minify: true, write: false, metafile: true },
  });
  expect(Object.keys(metafile.inputs).filter((path) => path.includes('node_modules'))).toEqual([]);
  expect(outputFiles[0]!.text).not.toMatch(/["']node:/);
  expect(outputFiles[0]!.text.length).toBeLessThan(30_000);
});

it('reads networks of their own without a model, and asks for one where it takes one', async () => {
  const reader = await web.openReader();
  const engine = await openEngine();
  try {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i % 8) / 8);
    const signal = { id: 'slope', shape: [8, 8], channels: 1, values };
    const { bytes } = await fitCoin(signal, { engine, iterations: 20 });
    const fn = await reader.open(bytes);
    expect((await fn.decode()).shape).toEqual([8, 8]);
  } finally {
    await engine.close();
  }
  const coded = new Uint8Array(await readFile(demoPath));
  await expect(reader.open(coded)).rejects.toMatchObject({ code: 'no-model' });
});

it('makes functions of modulations, and says that it neither fits nor codes anew', async () => {
  const reader = await web.openReader({ model: new Uint8Array(await readFile(modelPath)) });
  const bytes = new Uint8Array(await readFile(demoPath));
  const [a, b] = [await reader.open(bytes, { item: 0 }), await reader.open(bytes, { item: 1 })];
  const modulation = a.modulation.map((value, i) => (value + b.modulation[i]!) / 2);
  const mixed = await reader.func({ modulation, shape: a.shape, quality: a.quality }).decode({ raw: true });
  const [first, second] = [await a.decode({ raw: true }), await b.decode({ raw: true })];
  expect(mixed.values).not.toEqual(first.values);
  expect(mixed.values.length).toBe(second.values.length);
  await expect(a.toBytes({ quality: 60 })).rejects.toMatchObject({ code: 'reads-only' });
  expect(() => reader.func({ modulation: new Float32Array(3) })).toThrow('modulation of 3 numbers');
});
