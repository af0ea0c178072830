import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { pyramid } from '../field/presets.ts';
import { flatMaps, gridMaps, standardOf } from './maps.ts';

const spec = pyramid({
  axes: 2,
  outputs: 1,
  width: 8,
  layers: 1,
  w0: 10,
  levels: [
    { cell: 16, channels: 2 },
    { cell: 4, channels: 1 },
    { cell: 2, channels: 3 },
  ],
});
const shape = [32, 32];
// Cells 2 x 2, 8 x 8 and 16 x 16: the second is the finest of at most 64.
const length = 4 * 2 + 64 + 256 * 3;
const plain = { mean: new Float32Array(6), deviation: new Float32Array(6).fill(1) };

test('levels stand on the finest grid of at most 64 cells: coarser ones interpolated, finer ones as channels', () => {
  const maps = gridMaps(spec, shape, plain);
  expect(maps.cells).toEqual([8, 8]);
  expect(maps.channels).toBe(2 + 1 + 4 * 3);
  const modulation = Float32Array.from({ length }, (_, i) => i);
  const target = new Float32Array(64 * 15);
  maps.fill(modulation, target);
  const cell = (y: number, x: number) => [...target.subarray((8 * y + x) * 15, (8 * y + x + 1) * 15)];
  // Beyond the outermost knots the coarse level is constant.
  expect(cell(0, 0).slice(0, 2)).toEqual([0, 1]);
  expect(cell(7, 7).slice(0, 2)).toEqual([6, 7]);
  // Cell 3 has its middle at 14, 6 of 16 from the first knot at 8 to the second at 24.
  expect(cell(0, 3)[0]).toBeCloseTo(2 * (6 / 16), 5);
  expect(cell(5, 6)[2]).toBe(8 + 8 * 5 + 6);
  const fine = (y: number, x: number) => [0, 1, 2].map((c) => 72 + (16 * y + x) * 3 + c);
  expect(cell(5, 6).slice(3)).toEqual([...fine(10, 12), ...fine(10, 13), ...fine(11, 12), ...fine(11, 13)]);
});

test('what is past the end of an odd grid is zero', () => {
  const maps = gridMaps(spec, [30, 30], plain);
  expect(maps.cells).toEqual([8, 8]);
  const target = new Float32Array(64 * 15);
  maps.fill(new Float32Array(4 * 2 + 64 + 225 * 3).fill(1), target);
  expect([...target.subarray(63 * 15 + 3)]).toEqual([1, 1, 1, ...new Array(9).fill(0)]);
});

test('channels are brought to mean 0 and deviation 1 over training modulations, constant ones to 0', () => {
  const rng = new Rng(3);
  const count = 50;
  const all = Float32Array.from({ length: count * length }, (_, i) => {
    const at = i % length;
    if (at < 8) return at % 2 === 0 ? 5 : 10 + 3 * rng.normal();
    return at < 72 ? -1 + 0.01 * rng.normal() : rng.normal();
  });
  const standard = standardOf(spec, shape, all);
  expect(standard.mean[0]).toBe(5);
  expect(standard.deviation[0]).toBe(1);
  expect(standard.deviation[2]).toBeCloseTo(0.01, 3);
  const maps = flatMaps(spec, shape, standard);
  const [sums, squares] = [new Float64Array(6), new Float64Array(6)];
  const channelOf = (at: number) => (at < 8 ? at % 2 : at < 72 ? 2 : 3 + ((at - 72) % 3));
  const target = new Float32Array(length);
  for (let i = 0; i < count; i++) {
    maps.fill(all.subarray(i * length, (i + 1) * length), target);
    target.forEach((x, at) => {
      sums[channelOf(at)]! += x;
      squares[channelOf(at)]! += x * x;
    });
  }
  const numbers = [4, 4, 64, 256, 256, 256].map((n) => n * count);
  for (const [c, sum] of sums.entries()) expect(sum / numbers[c]!).toBeCloseTo(0, 2);
  expect(squares[0]).toBe(0);
  for (const c of [1, 2, 3, 4, 5]) expect(squares[c]! / numbers[c]!).toBeCloseTo(1, 2);
});
