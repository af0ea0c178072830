/** What the service makes of every kind of signal. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FunctaClient, type RunningServer } from '../../server/index.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { signalChunks, sniffFormat } from '../../src/formats/formats.ts';
import { readNetcdf, readNetcdfBox } from '../../src/formats/netcdf.ts';
import { readNpy, signalToNpy } from '../../src/formats/npy.ts';
import { openSession } from '../../src/session/index.ts';
import { openFunctasetOf } from '../../src/session/store.ts';
import { cutBox } from '../../src/signal/box.ts';
import { signalRows } from '../../src/signal/rows.ts';
import { compiled } from '../compiled.ts';
import { kindNames, kinds, modelOfKind, pathOfKind } from '../kinds.ts';
import { monitorBusy } from './busy.ts';
import { checkTurns, startWatched } from './serving.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const monitor = monitorBusy();
const rng = new Rng(11);
/** A picture that no network says. */
const noise = {
  ...{ id: 'noise', shape: [16, 16], channels: 3 },
  values: Float32Array.from({ length: 3 * 256 }, () => Math.floor(256 * rng.uniform()) / 255),
};
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
    if (name === 'picture') {
      const { bytes } = await session.encode(noise, { quality: 100 });
      expect(session.inspect(bytes).prior).toBe('samples');
      await store.put({
        ...{ id: 'noise', shape: noise.shape, psnrDb: Infinity, bits: 8 * bytes.length },
        content: { kind: 'file', bytes },
      });
    }
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

it('a function of samples is evaluated by them, and combined by its fit with a note', async () => {
  const near = { kind: 'near' as const, signal: { shape: [16, 16], values: [...noise.values] }, k: 1 };
  expect((await client.query('pictures', near)).items[0]).toMatchObject({ id: 'noise' });
  expect((await client.query('pictures', near)).items[0]!.distance).toBeLessThan(1e-6);
  const filter = { ids: ['noise'] };
  const asked = await client.query('pictures', { kind: 'evaluate', coordinates: [[3.5, 7.5]], filter });
  const [[rgb]] = (asked.items as unknown as [{ values: number[][] }]).map(({ values }) => values) as [
    number[][],
  ];
  const at = 3 * (3 * 16 + 7);
  for (const [c, v] of rgb!.entries()) expect(v).toBeCloseTo(noise.values[at + c]!, 6);
  const reply = await fetch(`${server.url}/v1/functasets/pictures/combine`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/vnd.functa' },
    body: JSON.stringify({ kind: 'mean', ids: ['noise', 'picture-1'] }),
  });
  expect(reply.status).toBe(200);
  expect(reply.headers.get('functa-notes')).toMatch(/plain fits: noise$/);
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
    // a person may look at any of them
    expect(sniffFormat(await client.sample(name, { count: 2 }, { format: 'png' }))?.name).toBe('png');
    expect(sniffFormat(await client.decode(name, bytes, { format: 'png' }))?.name).toBe('png');
    if (name === 'picture') return;
    for (const ask of [
      () => client.decode(name, bytes, { format: 'webp' }),
      () => client.sample(name, { count: 2 }, { format: 'webp' }),
      () => client.function(`${name}s`, `${name}-1`, { format: 'webp' }),
    ])
      await expect(ask()).rejects.toMatchObject({ problem: { status: 406, code: 'not-acceptable' } });
  });

  it('is nearest to its own function', async () => {
    const file = Buffer.from(signalToNpy(kind.signal(3))).toString('base64');
    const { items } = await client.query(`${name}s`, { kind: 'near', signal: { file }, k: 2 });
    expect(items[0]).toMatchObject({ id: `${name}-3` });
    expect(items[0]!.distance as number).toBeLessThan(output.peak / 8);
  });

  it('is nearest to its own function in the format that it comes in, too', async () => {
    const format = name === 'map' ? 'netcdf' : kind.format;
    const bytes = await client.function(`${name}s`, `${name}-3`, { format: format as 'wav' });
    const file = Buffer.from(bytes).toString('base64');
    const { items } = await client.query(`${name}s`, { kind: 'near', signal: { file }, k: 1 });
    expect(items[0]).toMatchObject({ id: `${name}-3` });
  });

  it('has a fragment of it, which comes alone as a file, where it was cut from', async () => {
    const { shape, channels, values } = kind.signal(3);
    const [start, count] = [shape.map((n) => n >> 2), shape.map((n) => n >> 1)];
    const cut = cutBox(values, shape, channels, { start, count });
    const npy = signalToNpy({ id: 'cut', shape: count, channels, values: cut });
    const signal = { file: Buffer.from(npy).toString('base64') };
    for (const metric of ['values', 'correlation'] as const) {
      const request = { kind: 'near', signal, anywhere: true, metric, k: 1 } as const;
      const { items, fragment } = await client.query(`${name}s`, request);
      expect(fragment).toEqual(count);
      expect(items[0]).toMatchObject({ id: `${name}-3` });
      // what is coded of a smooth sound is off by more than a sample makes
      const found = items[0]!.start as number[];
      for (const [axis, x] of found.entries()) expect(Math.abs(x - start[axis]!)).toBeLessThanOrEqual(1);
    }
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

it('a bound on the error is kept by encode and by functions that are put, or refused with the reason', async () => {
  const bytes = signalToNpy(kinds.map.signal(60));
  const bound = 0.5;
  const beyond = (decoded: Uint8Array) => {
    const { data } = readNpy(decoded);
    return kinds.map.signal(60).values.filter((v, i) => Math.abs(v - data[i]!) > bound).length;
  };
  const encoded = await client.encode('map', bytes, { maxError: bound });
  expect(encoded.maxError[0]).toBeLessThanOrEqual(bound);
  expect(beyond(await client.decode('map', encoded.bytes, { format: 'npy' }))).toBe(0);
  await client.putFunction('maps', 'bounded', bytes, { maxError: bound });
  expect(beyond(await client.function('maps', 'bounded', { format: 'npy' }))).toBe(0);
  const files = [{ bytes, id: 'bounded-too' }, { bytes: new Uint8Array(3) }];
  const added = await client.addFunctions('maps', files, { maxError: '1%' });
  expect([added.functions.length, added.errors.length]).toEqual([1, 1]);

  const refused = { problem: { status: 422, code: 'max-error' } };
  await expect(client.encode('map', bytes, { maxError: 1e-6 })).rejects.toMatchObject(refused);
  await expect(client.putFunction('maps', 'no', bytes, { maxError: 1e-6 })).rejects.toMatchObject(refused);
  const picture = signalToNpy(kinds.picture.signal(50));
  await expect(client.encode('picture', picture, { maxError: 0.1 })).rejects.toMatchObject(refused);
  await expect(client.putFunction('maps', 'no', bytes, { maxError: 1, quality: 5 })).rejects.toMatchObject(
    refused,
  );
  for (const words of ['max-error=0', 'max-error=1%25%25', 'max-error=1&quality=5', 'max-error=']) {
    const init = { method: 'POST', body: bytes as Uint8Array<ArrayBuffer> };
    expect((await fetch(`${server.url}/v1/models/map/encode?${words}`, init)).status, words).toBe(422);
  }
});

it('places and attributes of a map are kept by encode and by functions that are put, and said', async () => {
  const bytes = new Uint8Array(readFileSync('test/fixtures/signals/map.nc'));
  const { bytes: file } = await client.encode('map', bytes);
  await client.putFunction('maps', 'placed', bytes);
  for (const netcdf of [
    await client.decode('map', file, { format: 'netcdf' }),
    await client.function('maps', 'placed', { format: 'netcdf' }),
  ]) {
    const all = readNetcdf(netcdf);
    const of = (name: string) => all.find((own) => own.name === name)!;
    const whole = (name: string) => ({ start: [0], count: [of(name).dimensions[0]!.size] });
    expect([...readNetcdfBox(netcdf, of('lat'), whole('lat'))]).toEqual([-75, -45, -15, 15, 45, 75]);
    expect(readNetcdfBox(netcdf, of('lon'), whole('lon'))[11]).toBe(330);
    expect(of('lat').attributes.units).toBe('degrees_north');
    expect(all.find(({ attributes }) => attributes.long_name === 'of the air')).toBeDefined();
  }
  expect(await client.inspect(file)).toMatchObject({
    axes: [{ name: 'lat', unit: 'degrees_north', start: -75, step: 30 }, { name: 'lon' }],
    attributes: [{ long_name: 'of the air' }],
  });
  const bare = await client.inspect((await client.encode('map', bytes, { keep: 'none' })).bytes);
  expect(bare).toMatchObject({ attributes: null });
  expect(bare.axes).toMatchObject([{ name: 'latitude' }, { name: 'longitude' }]);
});

it.each(['axes', 'none'] as const)(
  'keep=%s leaves the others out of functions that are put',
  async (keep) => {
    const bytes = new Uint8Array(readFileSync('test/fixtures/signals/map.nc'));
    await client.putFunction('maps', `put-${keep}`, bytes, { keep });
    await client.addFunctions('maps', [{ bytes, id: `added-${keep}` }], { keep });
    for (const id of [`put-${keep}`, `added-${keep}`]) {
      const all = readNetcdf(await client.function('maps', id, { format: 'netcdf' }));
      expect(all.some(({ attributes }) => attributes.long_name === 'of the air')).toBe(false);
      expect(all.some(({ name }) => name === 'lat')).toBe(keep === 'axes');
    }
  },
);

it('signs are kept by encode where that is asked for, and refused of pictures', async () => {
  const map = kinds.map.signal(60);
  const middle = map.values.reduce((sum, v) => sum + (Number.isNaN(v) ? 0 : v / map.values.length), 0);
  const signal = { ...map, values: map.values.map((v) => v - middle) };
  const bytes = signalToNpy(signal);
  const { bytes: file } = await client.encode('map', bytes, { quality: 10, keepSigns: true });
  const { data } = readNpy(await client.decode('map', file, { format: 'npy' }));
  expect(signal.values.findIndex((v, i) => v < 0 !== data[i]! < 0)).toBe(-1);
  const plain = await client.encode('map', bytes, { quality: 10, keepSigns: false });
  expect(plain.bytes.length).toBeLessThan(file.length);

  const refused = { problem: { status: 422, code: 'keep-signs' } };
  const picture = signalToNpy(kinds.picture.signal(50));
  await expect(client.encode('picture', picture, { keepSigns: true })).rejects.toMatchObject(refused);
  await expect(client.encode('map', bytes, { keepSigns: true, maxError: 1 })).rejects.toMatchObject(refused);
});

it('a field that is given to a model of pictures is refused with the models that would take it', async () => {
  const { shape, outputs } = kinds.map;
  const pieces: Uint8Array[] = [];
  for await (const piece of signalChunks(signalRows({ ...kinds.map.signal(3), shape }), 'netcdf', outputs))
    pieces.push(piece);
  const field = new Uint8Array(Buffer.concat(pieces));
  const problem = { status: 422, code: 'not-a-field-model', detail: /those here that take it: map$/ };
  const refused = { problem: { ...problem, detail: expect.stringMatching(problem.detail) } };
  const type = 'application/x-netcdf';
  await expect(client.encode('picture', field, { type })).rejects.toMatchObject(refused);
  await expect(client.putFunction('pictures', 'field', field, { type })).rejects.toMatchObject(refused);
  // A body that came in several pieces has memory of its own, which work takes along.
  const large = new Uint8Array(Buffer.concat([field, new Uint8Array(200_000)]));
  await expect(client.encode('picture', large, { type })).rejects.toMatchObject(refused);
  await expect(client.putFunction('pictures', 'field', large, { type })).rejects.toMatchObject(refused);
});

it.each<[string, (values: Float32Array) => void, string | undefined]>([
  ['of one value is coded', (values) => values.fill(280), undefined],
  ['that misses all is refused', (values) => values.fill(Number.NaN), 'no-observed-points'],
  ['with an infinity', (values) => values.fill(Number.POSITIVE_INFINITY, 3, 4), 'infinite-value'],
])('a field %s', async (_, change, code) => {
  const signal = { ...kinds.map.signal(3) };
  signal.values = signal.values.slice();
  change(signal.values);
  const encode = () => client.encode('map', signalToNpy(signal));
  const put = () => client.putFunction('maps', 'edge', signalToNpy(signal));
  if (code !== undefined) {
    const refused = { problem: { status: 422, code } };
    for (const ask of [encode, put]) await expect(ask()).rejects.toMatchObject(refused);
    return;
  }
  await put();
  const { data } = readNpy(await client.decode('map', (await encode()).bytes, { format: 'npy' }));
  expect(Math.max(...[...data].map((v) => Math.abs(v - 280)))).toBeLessThan(5);
});

it('a field of one sample is coded, kept and decoded', async () => {
  const one = signalToNpy({ ...kinds.map.signal(3), shape: [1, 1], values: Float32Array.of(280) });
  await client.putFunction('maps', 'one', one);
  const { data, shape } = readNpy(await client.function('maps', 'one', { format: 'npy' }));
  expect(shape.slice(0, 2)).toEqual([1, 1]);
  expect(data[0]).toBeCloseTo(280, 1);
});

it('of a file of several fields the one that is named is meant, wherever a signal is given', async () => {
  const [{ shape, outputs }, ...both] = [kinds.map, kinds.map.signal(3), kinds.map.signal(5)] as const;
  const values = Float32Array.from({ length: 2 * 288 }, (_, i) => both[i % 2]!.values[i >> 1]!);
  const named = ['first', 'second'].map((name) => ({ ...outputs[0]!, name }));
  const rows = signalRows({ shape, channels: 2, values });
  const pieces: Uint8Array[] = [];
  for await (const piece of signalChunks(rows, 'netcdf', named)) pieces.push(piece);
  const bytes = new Uint8Array(Buffer.concat(pieces));
  const file = Buffer.from(bytes).toString('base64');
  const near = (variable?: string) =>
    client.query('maps', { kind: 'near', signal: { file, ...(variable && { variable }) }, k: 1 });
  expect((await near('first')).items[0]).toMatchObject({ id: 'map-3' });
  expect((await near('second')).items[0]).toMatchObject({ id: 'map-5' });
  await expect(near()).rejects.toMatchObject({ problem: { code: 'which-variable' } });

  const type = 'application/x-netcdf';
  const put = (id: string, options: object) => client.putFunction('maps', id, bytes, { type, ...options });
  await put('kept', { variable: 'second' });
  const like = { kind: 'near' as const, id: 'map-5', k: 2 };
  expect((await client.query('maps', like)).items.map(({ id }) => id)).toContain('kept');
  await expect(put('other', {})).rejects.toMatchObject({ problem: { code: 'which-variable' } });

  const ask = (path: string, init: RequestInit) =>
    fetch(`${server.url}/v1/models/map/${path}`, { method: 'POST', ...init });
  const classified = await ask('classify?variable=third', { body: bytes, headers: { 'content-type': type } });
  expect(await classified.json()).toMatchObject({
    code: expect.stringMatching(/^(no-variable|no-classifier)$/),
  });
  const known = { signal: file, variable: 'second', hide: '0,0,6,12', draws: 0 };
  const completed = await ask('complete', {
    body: JSON.stringify(known),
    headers: { 'content-type': 'application/json' },
  });
  // it is read; whether a prior is there that completes is another matter
  expect(JSON.stringify(await completed.text())).not.toContain('which-variable');
});
