import { expect, test } from 'vitest';
import { borderRmse, dotsPerThousand, weave, whiteError } from '../../bench/perceptual/artefacts.ts';
import { readOptions } from '../../bench/perceptual/options.ts';
import { halved, middleOf } from '../../bench/perceptual/pictures.ts';
import { comparison, type PerceptualResult, report } from '../../bench/perceptual/report.ts';
import { measureTools, openMeasures } from '../../bench/perceptual/tools.ts';
import { readPictures } from '../../bench/rate/pictures.ts';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { type Picture, pictureOf } from '../../src/jobs/peer-codecs.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';

const size = 64;
const drawn = (at: (y: number, x: number, c: number) => number): Picture => ({
  bytes: Uint8Array.from({ length: size * size * 3 }, (_, i) =>
    at(Math.floor(i / 3 / size), Math.floor(i / 3) % size, i % 3),
  ),
  width: size,
  height: size,
  channels: 3,
});
const ramp = drawn((y, x) => 60 + y + x);

test('dots are blocks alone on what is smooth: not edges, not texture, not what is too faint', () => {
  const block = (y: number, x: number) => (y >> 1) % 8 === 4 && (x >> 1) % 8 === 4;
  expect(dotsPerThousand(ramp)).toBe(0);
  expect(dotsPerThousand(drawn((y, x) => 60 + y + x + (block(y, x) ? 30 : 0)))).toBeCloseTo(16000 / 900, 6);
  expect(dotsPerThousand(drawn((y, x) => 60 + y + x + (block(y, x) ? 5 : 0)))).toBe(0);
  expect(dotsPerThousand(drawn((y) => (y < 31 ? 40 : 200)))).toBe(0);
  // eight neighbours have a deviation below a quarter of a block's contrast by chance in one of a hundred
  const rng = new Rng(1);
  expect(dotsPerThousand(drawn(() => 128 + 15 * rng.normal()))).toBeLessThan(15);
});

test('effort 1 draws no more dots on grain than there are grains that stand out', async () => {
  const rng = new Rng(1);
  const grains = Array.from({ length: size * size }, () => 20 * rng.normal());
  const grainy = drawn((y, x) => Math.max(0, 60 + y + x + grains[(y >> 1) * size + (x >> 1)]!));
  const values = Float32Array.from(grainy.bytes, (v) => v / 255);
  const signal = { id: 'grainy', shape: [size, size], channels: 3, values };
  const engine = await openEngine();
  try {
    const session = openSession({ model: await loadModel('photos'), engine });
    const { bytes } = await session.encode(signal, { quality: 45, effort: 1, steps: 'asked' });
    const dots = dotsPerThousand(pictureOf(await session.decode(bytes)));
    expect(dots).toBeLessThan(dotsPerThousand(grainy));
  } finally {
    await engine.close();
  }
});

test('the weave is found at its own period, with its amplitude', () => {
  const woven = drawn((y, x) => Math.round(120 + y + 20 * Math.cos((2 * Math.PI * x) / 4)));
  // half the energy: one of two axes has it; a von Hann window keeps three eighths of a mean square
  expect(weave(woven, 4)).toBeGreaterThan(5);
  expect(weave(woven, 8)).toBeLessThan(0.5);
  expect(weave(ramp, 4)).toBeLessThan(0.1);
});

test('white and borders are told from the rest', () => {
  const white = drawn((_y, x) => (x < 32 ? 255 : 100));
  const off = drawn((_y, x) => (x < 32 ? 252 : 90));
  expect(whiteError(white, off)).toBe(3);
  expect(whiteError(ramp, ramp)).toBeNaN();
  const framed = drawn((y, x) => 60 + y + x + (Math.min(y, x, 63 - y, 63 - x) < 2 ? 4 : 0));
  expect(borderRmse(ramp, framed)).toEqual({ border: 4, inside: 0 });
});

test('a square out of the middle starts at whole cells; half a picture is means of four', async () => {
  const { signals } = await readPictures({ dataset: 'fixture-emoji', split: 'train', limit: 1 });
  const middle = middleOf(signals[0]!, 30);
  expect(middle.shape).toEqual([30, 30]);
  const [width] = [signals[0]!.shape[1]!];
  const top = ((signals[0]!.shape[0]! - 30) >> 2) << 1;
  expect(middle.values[0]).toBe(signals[0]!.values[(top * width + top) * 3]);
  const half = halved(middle);
  expect(half.shape).toEqual([15, 15]);
  const mean = [0, 3, 90, 93].reduce((sum, i) => sum + middle.values[i]! / 4, 0);
  expect(Math.abs(half.values[0]! - mean)).toBeLessThan(0.5 / 255 + 1e-6);
});

test('tools that are here say equal for equal pictures, and worse for more blur; of others the reader learns how to install them', async () => {
  const { measures, absent, close } = await openMeasures();
  try {
    expect(measures.length + absent.length).toBe(measureTools.length);
    const checks = drawn((y, x, c) => (((y >> 3) + (x >> 3)) % 2) * 90 + 60 + 20 * c + ((y * x) % 7));
    const blurred = (by: number) =>
      drawn((y, x, c) => {
        let sum = 0;
        for (let d = -by; d <= by; d++)
          sum += checks.bytes[(y * size + Math.min(size - 1, Math.max(0, x + d))) * 3 + c]!;
        return Math.round(sum / (2 * by + 1));
      });
    for (const { score, better, equal } of measures) {
      expect(await score(checks, checks)).toBeCloseTo(equal, 1);
      const [some, more] = [await score(checks, blurred(1)), await score(checks, blurred(3))];
      const worse = (a: number, b: number) => (better === 'higher' ? a < b : a > b);
      expect(worse(some, equal)).toBe(true);
      expect(worse(more, some)).toBe(true);
    }
  } finally {
    await close();
  }
});

test('a tool that is missing is named with what installs it', async () => {
  const [tool] = measureTools;
  const { measures, absent, close } = await openMeasures([{ ...tool!, command: 'no-such-measure' }]);
  await close();
  expect(measures).toEqual([]);
  expect(absent[0]).toMatch(/no-such-measure is not here; install it \(.+\)/);
});

test('two runs are compared at equal PSNR and at equal scores', () => {
  const result = (factor: number): PerceptualResult => ({
    ...{ title: 'pictures', machine: 'm', load: 0, runtime: 'r', commit: `c${factor}`, command: 'x' },
    measures: [{ key: 'eye', name: 'Eye', better: 'lower', equal: 0, digits: 3 }],
    rows: [1, 2, 4].map((bits) => ({
      name: 'functa',
      setting: `at ${bits}`,
      figures: [
        { bitsPerPixel: factor * bits, psnr: 30 + bits, eye: 3 / bits, white: Number.NaN },
        { bitsPerPixel: factor * bits, psnr: 31 + bits, eye: 2.5 / bits, white: 1 },
      ],
    })),
    notes: [],
  });
  expect(comparison(result(1), result(0.9)).at(-1)).toBe('functa  -10.00 %  -10.00 %');
  expect(report(result(1)).join('\n')).toContain('1.0000 +- 0.0000  31.50 +- 0.50  2.750 +- 0.250  1.00');
});

test('options that are not there are refused with the usage', () => {
  for (const args of [[], ['--data', 'x', '--peers', 'gif'], ['--data', 'x', '--crop', 'half'], ['--what']])
    expect(() => readOptions(args)).toThrow(/--data|--peers|--crop|Unknown/);
  expect(readOptions(['--data', 'kodak:/pictures', '--no-enlarge'])).toMatchObject({
    model: 'photos',
    enlarge: false,
  });
});
