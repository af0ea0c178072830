import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { readModel } from '../field/model.ts';
import { toSamples } from '../field/samples.ts';
import { collectRows } from '../signal/rows.ts';
import { Interpolator, isBetween, samplesBehind } from './between.ts';
import { sampleRows } from './sample-rows.ts';

const shape = [7, 9];
/** Two surfaces of second degree. */
const at = (y: number, x: number) => [2 + 0.3 * y - 0.02 * y * y, 0.5 * x * x - x + 0.1 * y];
let computed = 0;
const samples = async (
  [row, column]: readonly [number, number],
  [rows, columns]: readonly [number, number],
) => {
  computed += rows * columns;
  return Float32Array.from({ length: rows * columns * 2 }, (_, i) => {
    const p = i >> 1;
    return at(row + Math.floor(p / columns) + 0.5, column + (p % columns) + 0.5)[i & 1]!;
  });
};
const grid = (k: number) => ({
  start: [0.5 / k, 0.5 / k],
  step: [1 / k, 1 / k],
  count: shape.map((n) => n * k),
});

describe('a picture between its samples', () => {
  it('is a surface of second degree where the samples are of one, away from the borders', async () => {
    const k = 4;
    const values = await new Interpolator(shape, 2, samples).block({ ...grid(k) });
    const width = shape[1]! * k;
    for (let y = 2 * k; y < (shape[0]! - 2) * k; y++)
      for (let x = 2 * k; x < (shape[1]! - 2) * k; x++) {
        const want = at((y + 0.5) / k, (x + 0.5) / k);
        expect(values[(y * width + x) * 2]).toBeCloseTo(want[0]!, 5);
        expect(values[(y * width + x) * 2 + 1]).toBeCloseTo(want[1]!, 5);
      }
  });

  it('has the samples themselves where they stand', async () => {
    const k = 3;
    const values = await new Interpolator(shape, 2, samples).block(grid(k));
    for (let y = 0; y < shape[0]!; y++)
      for (let x = 0; x < shape[1]!; x++) {
        const want = at(y + 0.5, x + 0.5);
        const p = ((k * y + 1) * shape[1]! * k + k * x + 1) * 2;
        expect(values[p]).toBeCloseTo(want[0]!, 5);
        expect(values[p + 1]).toBeCloseTo(want[1]!, 5);
      }
  });

  it('is the same in blocks of rows, and computes every sample once', async () => {
    const k = 8;
    const whole = await new Interpolator(shape, 2, samples).block(grid(k));
    computed = 0;
    const inBlocks = new Interpolator(shape, 2, samples);
    const width = shape[1]! * k * 2;
    for (let row = 0; row < shape[0]! * k; row += 5) {
      const rows = Math.min(5, shape[0]! * k - row);
      const block = await inBlocks.block({
        ...grid(k),
        start: [(row + 0.5) / k, 0.5 / k],
        count: [rows, width / 2],
      });
      expect(block).toEqual(whole.slice(row * width, (row + rows) * width));
    }
    expect(computed).toBe(63);
  });

  it('computes what a region reaches and no more', () => {
    const region = { start: [3.25, 4.25], step: [0.5, 0.5], count: [2, 2] };
    expect(samplesBehind(shape, region)).toBe(25);
    expect(samplesBehind([1, 1], grid(4))).toBe(1);
  });

  it('is not asked at the samples themselves, for less than half the size, or of other than pictures', () => {
    expect(isBetween({ start: [0.5, 0.5], step: [1, 1] })).toBe(false);
    expect(isBetween({ start: [2.5, 7.5], step: [1, 1] })).toBe(false);
    expect(isBetween({ start: [0.25, 0.25], step: [0.5, 0.5] })).toBe(true);
    expect(isBetween({ start: [1, 1], step: [2, 2] })).toBe(true);
    expect(isBetween({ start: [2, 2], step: [4, 4] })).toBe(false);
    expect(isBetween({ start: [0.25], step: [0.5] })).toBe(false);
  });
});

it('enlarges a picture that a file holds sample by sample as it does any other; raw values stay on lines', async () => {
  const signal = { id: 'drawn', shape: [6, 5], channels: 1, values: new Float32Array(30) };
  signal.values.forEach((_, i) => {
    signal.values[i] = ((i * 37) % 200) / 255;
  });
  const bytes = readFileSync(new URL('../../models/fashion-mnist/model.safetensors', import.meta.url));
  const { card } = readModel(new Uint8Array(bytes));
  const kept = toSamples(card, signal.values)!;
  const enlarge = async (raw: boolean) =>
    collectRows(
      sampleRows(card, { samples: kept, shape: signal.shape }, { size: '3x', raw, limits: defaultLimits }),
    );
  const want = await new Interpolator(signal.shape, 1, async ([row, column], [rows, columns]) =>
    Float32Array.from(
      { length: rows * columns },
      (_, i) => signal.values[(row + Math.floor(i / columns)) * 5 + column + (i % columns)]!,
    ),
  ).block({ start: [1 / 6, 1 / 6], step: [1 / 3, 1 / 3], count: [18, 15] });
  const [drawn, onLines] = [await enlarge(false), await enlarge(true)];
  want.forEach((value, i) => {
    expect(Math.abs(drawn[i]! - Math.min(1, Math.max(0, value)))).toBeLessThan(0.51 / 255);
  });
  expect(onLines.some((value, i) => Math.abs(value - drawn[i]!) > 4 / 255)).toBe(true);
});
