/** The bundled models of sounds, maps, shapes and volumes: a small signal of each goes there and back by the command line. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { addComplete } from '../../src/cli/commands/complete.ts';
import { addDecode } from '../../src/cli/commands/decode.ts';
import { addEncode } from '../../src/cli/commands/encode.ts';
import { addInspect } from '../../src/cli/commands/inspect.ts';
import { addVerify } from '../../src/cli/commands/verify.ts';
import { readNetcdf } from '../../src/formats/netcdf.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { readWavHeader, readWavSamples, wavHeader } from '../../src/formats/wav.ts';
import { functa, printed } from './in-process.ts';

vi.setConfig({ testTimeout: 60_000 });

const directory = mkdtempSync(join(tmpdir(), 'functa-cli-modalities-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);
const run = (...argv: string[]) => printed([addComplete, addEncode, addDecode, addInspect, addVerify], argv);

const bundled = (name: string) => existsSync(`models/${name}/model.safetensors`);

/** Vowel-like: harmonics of 120 Hz that come and go. */
const vowel = Float32Array.from({ length: 1500 }, (_, i) => {
  const t = i / 8000;
  const envelope = 0.25 * Math.sin(Math.PI * (i / 1500));
  return envelope * [1, 2, 3, 5].reduce((sum, k) => sum + Math.sin(2 * Math.PI * 120 * k * t + k) / k, 0);
});

function wavOf(values: Float32Array): Uint8Array {
  const header = wavHeader({ rate: 8000, channels: 1, frames: values.length, isFloat: false });
  const samples = new DataView(new ArrayBuffer(2 * values.length));
  for (const [i, v] of values.entries()) samples.setInt16(2 * i, Math.round(v * 32768), true);
  return Buffer.concat([header, new Uint8Array(samples.buffer)]);
}

function relativeError(wanted: ArrayLike<number>, got: ArrayLike<number>): number {
  let [squares, energy] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    squares += (wanted[i]! - got[i]!) ** 2;
    energy += wanted[i]! ** 2;
  }
  return Math.sqrt(squares / energy);
}

describe('speech', () => {
  it('goes to a WAV of its rate, better with more bytes', async () => {
    writeFileSync(at('vowel.wav'), wavOf(vowel));
    const errors: number[] = [];
    const sizes: number[] = [];
    for (const quality of ['30', '70']) {
      await run('encode', at('vowel.wav'), '-m', 'speech', '-o', at('v.functa'), '-f', '--quality', quality);
      await run('decode', at('v.functa'), '-o', at('back.wav'), '-f');
      const back = readFileSync(at('back.wav'));
      const header = readWavHeader(back);
      expect([header.rate, header.channels, header.frames]).toEqual([8000, 1, vowel.length]);
      errors.push(relativeError(vowel, readWavSamples(back, header)));
      sizes.push(readFileSync(at('v.functa')).length);
    }
    // Raw samples of 16 bits take 3,000 bytes.
    expect(sizes[0]!).toBeLessThan(150);
    expect(sizes[1]!).toBeLessThan(800);
    expect(errors[0]!).toBeLessThan(0.9);
    expect(errors[1]!).toBeLessThan(0.2);
  });

  it('is completed as a WAV of its rate: what is known, the completed clip and a draw', async () => {
    writeFileSync(at('gap.wav'), wavOf(vowel));
    const hidden = ['--hide', 't=600:700', '-m', 'speech', '-n', '1', '-o', at('whole.wav')];
    await run('complete', at('gap.wav'), ...hidden);
    const { rate, frames } = readWavHeader(readFileSync(at('whole.wav')));
    expect([rate, frames]).toEqual([8000, 3 * vowel.length]);
  });
});

describe.each([
  [
    'climate',
    [48, 96],
    (y: number, x: number) => 0.5 + 0.4 * Math.sin(y / 9) * Math.cos((2 * Math.PI * x) / 96),
  ],
  [
    'volume',
    [16, 16, 16],
    (z: number, y: number, x: number) => 0.8 * Math.exp(-((z - 8) ** 2 + (y - 7) ** 2 + (x - 8) ** 2) / 40),
  ],
  [
    'shapes',
    [32, 32, 32],
    (z: number, y: number, x: number) =>
      Math.max(-3, Math.min(3, Math.hypot(z - 16, y - 16, x - 16) - 9)) / 32,
  ],
] as const)('%s', (name, shape, value) => {
  it.skipIf(!bundled(name))('goes to an array and back, within a tenth of its size', async () => {
    const points = shape.reduce((n, size) => n * size, 1);
    const data = Float32Array.from({ length: points }, (_, p) => {
      const place = shape.map(
        (size, axis) => Math.floor(p / shape.slice(axis + 1).reduce((n, m) => n * m, 1)) % size,
      );
      return (value as (...place: number[]) => number)(...place);
    });
    writeFileSync(at(`${name}.npy`), writeNpy({ dtype: 'F32', shape: [...shape], data }));
    await run('encode', at(`${name}.npy`), '-m', name, '-o', at(`${name}.functa`), '--quality', '60');
    await run('decode', at(`${name}.functa`), '-o', at(`${name}-back.npy`));
    const back = readNpy(readFileSync(at(`${name}-back.npy`)));
    expect(back.shape).toEqual([...shape]);
    expect(relativeError(data, back.data as Float32Array)).toBeLessThan(0.1);
    expect(readFileSync(at(`${name}.functa`)).length).toBeLessThan((4 * points) / 10);
  });
});

it.skipIf(!bundled('climate'))(
  'a map in kelvin with land that was not measured goes through climate',
  async () => {
    const [rows, columns] = [24, 48];
    const kelvin = Float32Array.from({ length: rows * columns }, (_, p) => {
      const [y, x] = [Math.floor(p / columns), p % columns];
      if ((y - 9) ** 2 + (x - 30) ** 2 < 20) return Number.NaN;
      return 285 - 30 * Math.cos((Math.PI * y) / rows) ** 2 + 4 * Math.sin((4 * Math.PI * x) / columns);
    });
    writeFileSync(at('kelvin.npy'), writeNpy({ dtype: 'F32', shape: [rows, columns], data: kelvin }));
    const files = ['-m', 'climate', '-o', at('kelvin.functa')];
    await run('encode', at('kelvin.npy'), ...files, '--max-error', '0.5');
    await run('verify', at('kelvin.functa'), at('kelvin.npy'), '--max-error', '0.5');
    await run('decode', at('kelvin.functa'), '-o', at('kelvin-back.npy'));
    const back = readNpy(readFileSync(at('kelvin-back.npy'))).data as Float32Array;
    expect([...back].map(Number.isNaN)).toEqual([...kelvin].map(Number.isNaN));
    kelvin.forEach((v, i) => {
      if (!Number.isNaN(v)) expect(Math.abs(back[i]! - v)).toBeLessThanOrEqual(0.5);
    });
    expect(readFileSync(at('kelvin.functa')).length).toBeLessThan((4 * rows * columns) / 5);
  },
);

it.skipIf(!bundled('shapes'))('a ball keeps its inside where signs are kept', async () => {
  const side = 16;
  const ball = Float32Array.from({ length: side ** 3 }, (_, p) => {
    const at = [Math.floor(p / side ** 2), Math.floor(p / side) % side, p % side];
    return Math.max(-3, Math.min(3, Math.hypot(...at.map((i) => i - 7.5)) - 5));
  });
  writeFileSync(at('ball.npy'), writeNpy({ dtype: 'F32', shape: [side, side, side], data: ball }));
  const files = ['-m', 'shapes', '-o', at('ball.functa'), '--quality', '5', '--keep-signs'];
  await run('encode', at('ball.npy'), ...files);
  await run('decode', at('ball.functa'), '-o', at('ball-back.npy'));
  const back = readNpy(readFileSync(at('ball-back.npy'))).data as Float32Array;
  expect([...ball].findIndex((v, i) => v < 0 !== back[i]! < 0)).toBe(-1);
});

it.skipIf(!bundled('climate'))('a variable of netCDF comes back with its name and unit', async () => {
  await run('encode', 'test/fixtures/signals/map.nc', '-m', 'climate', '-o', at('map.functa'));
  await run('decode', at('map.functa'), '-o', at('map.nc'));
  const own = readNetcdf(readFileSync(at('map.nc'))).find(({ name }) => name === 'temperature');
  expect(own?.attributes).toMatchObject({ units: 'K' });
  const said = (await run('inspect', at('map.functa'))).json.outputs;
  expect(said).toMatchObject([{ name: 'temperature', unit: 'K' }]);
  const text = await functa(['verify', at('map.functa'), 'test/fixtures/signals/map.nc']);
  expect(text.stdout.toString()).toMatch(/^output .*\ntemperature .* K\n/);
});

it.skipIf(!bundled('shapes'))('a shape is verified on the grid that it was laid on', async () => {
  const [part, file] = ['test/fixtures/signals/part.stl', at('part.functa')];
  await run('encode', part, '-o', file, '--grid', '24');
  expect((await run('verify', file, part)).json.shape).toEqual([24, 24, 24]);
  expect((await run('verify', file, part, '--grid', '16')).json.error).toMatchObject({ code: 'bad-shape' });
});

const celsius = Float32Array.from({ length: 24 * 48 }, (_, p) => 20 * Math.sin(p / 48 / 6));

it.skipIf(!bundled('climate') || !bundled('volume')).each<[string, string, () => string[]]>([
  [
    'an array in kelvin',
    'climate',
    () => [
      arrayOf(
        'F32',
        celsius.map((v) => v + 273),
      ),
    ],
  ],
  ['an array of small integers', 'climate', () => [arrayOf('I16', Int16Array.from(celsius))]],
  ['a volume that is no cube', 'volume', () => ['test/fixtures/signals/plain.nii']],
  ['one volume of a series', 'volume', () => ['test/fixtures/signals/series.nii', '--variable', '[t=1]']],
])('%s names no model and is coded by %s, which learnt such values', async (_, model, input) => {
  const file = at('unnamed.functa');
  const { json } = await run('encode', ...input(), '-f', '-o', file);
  expect(json).toMatchObject({ model });
});

function arrayOf(dtype: 'F32' | 'I16', data: Float32Array | Int16Array): string {
  writeFileSync(at(`${dtype}.npy`), writeNpy({ dtype, shape: [24, 48], data }));
  return at(`${dtype}.npy`);
}
