/** Files of other programs through every door: the command line, the service, the library and folders of data. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSignalFolder } from '../../datasets/signal-folder.ts';
import { FunctaClient, type RunningServer } from '../../server/index.ts';
import { addDecode } from '../../src/cli/commands/decode.ts';
import { addEncode } from '../../src/cli/commands/encode.ts';
import { addInspect } from '../../src/cli/commands/inspect.ts';
import { signalFormats, sniffFormat } from '../../src/formats/formats.ts';
import { readSignalAs } from '../../src/formats/read.ts';
import { readSignal } from '../../src/library/index.ts';
import { printed } from '../cli/in-process.ts';
import { compiled } from '../compiled.ts';
import { type KindName, kinds, modelOfKind, pathOfKind } from '../kinds.ts';
import { type BusyMonitor, monitorBusy } from '../server/busy.ts';
import { checkTurns, startWatched } from '../server/serving.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const fixtures = join(import.meta.dirname, '../fixtures/signals');
const read = (path: string) => new Uint8Array(readFileSync(path));

interface Case {
  readonly file: string;
  readonly kind: KindName;
  readonly shape: readonly number[];
  /** Format that it is decoded to. */
  readonly as: 'wav' | 'npy' | 'netcdf';
  readonly variable?: string;
}
const cases: readonly Case[] = [
  { file: 'tone16.wav', kind: 'sound', shape: [240], as: 'wav' },
  { file: 'stereo16.wav', kind: 'sound', shape: [160], as: 'wav' },
  { file: 'tone.flac', kind: 'sound', shape: [240], as: 'wav' },
  { file: 'half.ogg', kind: 'sound', shape: [4000], as: 'wav' },
  { file: 'half-cbr.mp3', kind: 'sound', shape: [5184], as: 'wav' },
  { file: 'map.nc', kind: 'map', shape: [6, 12], as: 'netcdf', variable: 'temperature' },
];
const mediaTypeOf = (file: string) =>
  signalFormats.find(({ suffixes }) => suffixes.some((suffix) => file.endsWith(suffix)))!.mediaType;

let directory: string;
let monitor: BusyMonitor;
let server: RunningServer;
let client: FunctaClient;
const at = (name: string) => join(directory, name);
const run = (...argv: string[]) => printed([addEncode, addDecode, addInspect], argv);

beforeAll(async () => {
  process.env.FUNCTA_COMPILED = compiled();
  directory = mkdtempSync(join(tmpdir(), 'functa-signal-files-'));
  for (const name of ['sound', 'map'] as const) copyFileSync(pathOfKind(name), at(`${name}.safetensors`));
  monitor = monitorBusy();
  server = await startWatched(monitor, { port: 0, modelsDir: directory, log: () => {}, graceMs: 2000 });
  client = new FunctaClient(server.url);
});
afterAll(async () => {
  checkTurns(monitor);
  await server?.close();
  rmSync(directory, { recursive: true });
});

describe.each(cases)('$file', ({ file, kind, shape, as, variable }) => {
  const path = join(fixtures, file);
  const wanted = () =>
    readSignal(read(path), { for: modelOfKind(kind), told: file, ...(variable && { variable }) });
  const named = variable === undefined ? [] : ['--variable', variable];

  it('is read by the library', async () => {
    expect((await wanted()).shape).toEqual(shape);
  });

  it('is encoded, inspected and decoded on the command line', async () => {
    const out = at(`${basename(file)}.functa`);
    const model = at(`${kind}.safetensors`);
    const { json } = await run('encode', path, '-m', model, '-o', out, '--quality', '70', ...named);
    expect(json).toMatchObject({ shape });
    expect((await run('inspect', out)).json).toMatchObject({ shape });
    const back = at(`${basename(file)}.${as === 'netcdf' ? 'nc' : as}`);
    expect((await run('decode', out, '-o', back)).json).toMatchObject({ format: as, shape });
    const signal = await readSignalAs(read(back), {
      id: 'x',
      axes: shape.length,
      outputs: kinds[kind].outputs,
    });
    expect(signal.axes!.map(({ step }) => step)).toEqual((await wanted()).axes!.map(({ step }) => step));
  });

  it('is encoded and decoded by the service, by its media type', async () => {
    for (const type of [mediaTypeOf(file), 'application/octet-stream']) {
      const { bytes, notes } = await client.encode(kind, read(path), { type, variable, quality: 70 });
      const said = (await wanted()).notes?.join('; ');
      expect(notes).toBe(said);
      const decoded = await client.decode(kind, bytes, { format: as });
      expect(sniffFormat(decoded)?.name).toBe(as);
    }
  });
});

it('a sound is had at any rate', async () => {
  const out = at('rate.functa');
  await run('encode', join(fixtures, 'tone16.wav'), '-m', at('sound.safetensors'), '-o', out);
  for (const [size, samples, step] of [
    ['2x', 480, 1 / 16000],
    ['44100/s', 1323, 1 / 44100],
    ['120', 120, 1 / 4000],
  ] as const) {
    const { json } = await run('decode', out, '-o', at('rate.wav'), '--size', size, '--force');
    expect(json).toMatchObject({ shape: [samples] });
    const { axes } = await readSignalAs(read(at('rate.wav')), { id: 'x', axes: 1, outputs: 'any' });
    expect(axes![0]!.step).toBeCloseTo(step, 9);
  }
});

it('files of every format lie beside each other in a folder of signals', async () => {
  const folder = at('sounds');
  mkdirSync(folder);
  const own = cases.filter(({ kind }) => kind === 'sound');
  for (const { file } of own) copyFileSync(join(fixtures, file), join(folder, file));
  const { axes, outputs } = kinds.sound;
  writeFileSync(
    join(folder, 'signals.json'),
    JSON.stringify({ axes, outputs: outputs.map(({ offset: _, scale: __, ...rest }) => rest) }),
  );
  const card = {
    name: 'x',
    title: 'x',
    source: 'x',
    licence: 'x',
    redistributable: false,
    sha256: {},
    split: 'x',
    downloadBytes: 0,
  };
  const data = await openSignalFolder({ name: 'x', directory: folder, split: 'all', card });
  expect(data.length).toBe(own.length);
  for (let i = 0; i < data.length; i++) {
    const signal = await data.get(i);
    expect(signal.shape).toEqual(own.find(({ file }) => file === signal.id)!.shape);
    expect(await data.shapeAt?.(i)).toEqual(signal.shape);
  }
});
