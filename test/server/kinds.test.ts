/** What the service makes of every kind of signal. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FunctaClient, type RunningServer } from '../../server/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { sniffFormat } from '../../src/formats/formats.ts';
import { readNpy, signalToNpy } from '../../src/formats/npy.ts';
import { openSession } from '../../src/session/index.ts';
import { openFunctasetOf } from '../../src/session/store.ts';
import { compiled } from '../compiled.ts';
import { kindNames, kinds, modelOfKind, pathOfKind } from '../kinds.ts';
import { monitorBusy } from './busy.ts';
import { checkTurns, startWatched } from './serving.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const monitor = monitorBusy();
let directory: string;
let engine: Engine;
let server: RunningServer;
let client: FunctaClient;

beforeAll(async () => {
  process.env.FUNCTA_COMPILED = compiled();
  directory = mkdtempSync(join(tmpdir(), 'functa-server-kinds-'));
  engine = await openEngine();
  for (const name of kindNames) {
    copyFileSync(pathOfKind(name), join(directory, `${name}.safetensors`));
    const model = modelOfKind(name);
    const store = await openFunctasetOf(model, join(directory, `${name}s`));
    const signals = Array.from({ length: 8 }, (_, i) => kinds[name].signal(i));
    const session = openSession({ model, engine });
    const { items } = await session.encodeMany(signals, { quality: 60, steps: 'asked', archive: false });
    await store.putMany(
      items.map(({ bytes, shape, psnrDb, estimatedBits }, i) => ({
        ...{ id: signals[i]!.id, shape, psnrDb, bits: estimatedBits },
        content: { kind: 'file', bytes },
      })),
    );
    await store.close();
  }
  server = await startWatched(monitor, {
    port: 0,
    modelsDir: directory,
    functasets: kindNames.map((name) => join(directory, `${name}s`)),
    engine,
    log: () => {},
    graceMs: 2000,
  });
  client = new FunctaClient(server.url);
});
afterAll(async () => {
  await server?.close();
  checkTurns(monitor);
  await engine.close();
  rmSync(directory, { recursive: true });
});

describe.each(kindNames)('a %s', (name) => {
  const kind = kinds[name];
  const [output] = kind.outputs as [(typeof kind.outputs)[number]];
  const signal = kind.signal(50);

  it('has a model whose summary says what values and axes are', async () => {
    const found = (await client.models()).find((model) => model.name === name);
    expect(found).toMatchObject({ outputs: kind.outputs, axes: kind.axes });
  });

  it('is encoded, and decoded in its unit', async () => {
    const { bytes, psnrDb, rmse, maxError } = await client.encode(name, signalToNpy(signal), { quality: 60 });
    expect(psnrDb).toBeGreaterThan(15);
    expect(rmse).toHaveLength(kind.outputs.length);
    if (rmse.length === 1) expect(20 * Math.log10(output.peak / rmse[0]!)).toBeCloseTo(psnrDb, 2);
    expect(maxError[0]!).toBeGreaterThan(rmse[0]!);
    const { data } = readNpy(await client.decode(name, bytes, { format: 'npy' }));
    const off = [...data].map((v, i) => Math.abs(v - signal.values[i]!)).filter(Number.isFinite);
    expect(off.reduce((sum, d) => sum + d, 0) / off.length).toBeLessThan(output.peak / 6);
  });

  it('is had in the first format that holds it, and not in one that does not', async () => {
    const { bytes } = await client.encode(name, signalToNpy(signal));
    const decoded = await client.decode(name, bytes);
    expect(sniffFormat(decoded)?.name).toBe(kind.format);
    const one = await client.function(`${name}s`, `${name}-1`);
    expect(sniffFormat(one)?.name).toBe(kind.format);
    const drawn = await client.sample(name, { count: 2 });
    expect(sniffFormat(drawn)?.name).toBe(kind.format);
    if (name === 'picture') return;
    for (const ask of [
      () => client.decode(name, bytes, { format: 'png' }),
      () => client.sample(name, { count: 2 }, { format: 'webp' }),
      () => client.function(`${name}s`, `${name}-1`, { format: 'png' }),
    ])
      await expect(ask()).rejects.toMatchObject({ problem: { status: 406, code: 'not-acceptable' } });
  });

  it('is nearest to its own function', async () => {
    const file = Buffer.from(signalToNpy(kind.signal(3))).toString('base64');
    const { items } = await client.query(`${name}s`, { kind: 'near', signal: { file }, k: 2 });
    expect(items[0]).toMatchObject({ id: `${name}-3` });
    expect(items[0]!.distance as number).toBeLessThan(output.peak / 8);
  });

  it('is summed up in its unit', async () => {
    const { items } = await client.query(`${name}s`, { kind: 'aggregate' });
    const { values } = items.find(({ statistic }) => statistic === 'mean') as { values: number[] };
    for (const v of values) {
      expect(v).toBeGreaterThan(output.low - output.peak / 2);
      expect(v).toBeLessThan(output.low + 1.5 * output.peak);
    }
  });
});
