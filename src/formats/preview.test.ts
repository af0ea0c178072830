import { expect, it } from 'vitest';
import { kinds } from '../../test/kinds.ts';
import type { Output } from '../field/outputs.ts';
import { signalRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { signalChunks, writtenFormatsFor } from './formats.ts';
import { readImage } from './image.ts';

const number: Output = { name: 'value', offset: 0, scale: 1, low: -1, peak: 2, sample: 'float32' };
async function drawn(
  signal: Pick<Signal, 'shape' | 'channels' | 'values' | 'axes'>,
  outputs: readonly Output[],
) {
  const pieces: Uint8Array[] = [];
  for await (const piece of signalChunks(signalRows(signal), 'png', outputs)) pieces.push(piece);
  const { shape, values } = await readImage(new Uint8Array(Buffer.concat(pieces)), { channels: 'rgb' });
  const at = (y: number, x: number) => [
    ...values.subarray((y * shape[1]! + x) * 3, (y * shape[1]! + x) * 3 + 3),
  ];
  return { shape, at };
}
const light = (colour: readonly number[]) => colour.reduce((sum, v) => sum + v, 0);

it('a sound is drawn as its waveform over its frequencies, low ones at the bottom', async () => {
  const values = Float32Array.from(
    { length: 8000 },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * 1000 * i) / 8000),
  );
  const { shape, at } = await drawn({ shape: [8000], channels: 1, values }, kinds.sound.outputs);
  expect(shape).toEqual([328, 640]);
  // half of full scale: nothing near the edge, ink in the middle
  expect(light(at(4, 300))).toBeCloseTo(3, 1);
  expect(light(at(80, 300))).toBeLessThan(1.5);
  // 1 kHz of 4 kHz: a quarter up from the bottom
  const column = Array.from({ length: 160 }, (_, y) => light(at(168 + y, 320)));
  expect(Math.abs(159 - column.indexOf(Math.max(...column)) - 40)).toBeLessThan(3);
});

it('a map is drawn with north up, missing values grey, and the scale beside it', async () => {
  const { shape, at } = await drawn({ ...kinds.map.signal(3), axes: kinds.map.axes }, kinds.map.outputs);
  expect(shape).toEqual([120, 264]);
  const values = kinds.map.signal(3).values;
  const missing = values.findIndex(Number.isNaN);
  const [row, column] = [Math.floor(missing / 24), missing % 24];
  const grey = at((11 - row) * 10 + 5, column * 10 + 5);
  for (const v of grey) expect(v).toBeCloseTo(0.8, 2);
  // along the edge of what is missing, and nowhere else, a line
  const north = (11 - row) * 10;
  expect(light(at(north + 5, column * 10 - 1))).toBe(0);
  const black = Array.from({ length: 240 }, (_, x) => light(at(north + 5, x)) === 0);
  expect(black.filter(Boolean)).toHaveLength(2);
  expect(light(at(0, 260))).toBeGreaterThan(light(at(119, 260)));
});

it('a volume is drawn as slices, a shape as its surface', async () => {
  const n = 16;
  const values = Float32Array.from({ length: n ** 3 }, (_, p) => {
    const where = [p % n, Math.floor(p / n) % n, Math.floor(p / (n * n))].map((i) => (2 * (i + 0.5)) / n - 1);
    return Math.hypot(...where) - 0.6;
  });
  const shape = await drawn({ shape: [n, n, n], channels: 1, values }, [number]);
  expect(shape.shape).toEqual([256, 256]);
  expect(light(shape.at(128, 128))).toBeLessThan(2.9);
  expect(light(shape.at(4, 4))).toBeCloseTo(3, 2);
  const kelvin = { ...number, low: 200, peak: 100, unit: 'K' };
  const slices = await drawn({ shape: [n, n, n], channels: 1, values: values.map((v) => 250 + 40 * v) }, [
    kelvin,
  ]);
  expect(slices.shape[0]).toBe(256);
  expect(slices.shape[1]).toBeGreaterThan(3 * 256);
});

it('pictures of signals that are none are offered last, and for up to three axes', () => {
  const names = (axes: number) => writtenFormatsFor({ axes, outputs: [number] }).map(({ name }) => name);
  for (const axes of [1, 2, 3]) expect(names(axes).at(-1)).toBe('png');
  expect(names(4)).not.toContain('png');
});
