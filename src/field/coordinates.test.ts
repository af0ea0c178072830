import { describe, expect, it } from 'vitest';
import {
  axisSlopes,
  axisTaps,
  cellSize,
  coveringGrid,
  features,
  gridPositions,
  levelStencil,
  periodOf,
} from './coordinates.ts';
import { preset, pyramid } from './presets.ts';
import type { GridLevel } from './spec.ts';

const linear: GridLevel = { cell: [4], channels: 1, interpolation: 'linear' };
const nearest: GridLevel = { cell: [4], channels: 1, interpolation: 'nearest' };
const linear2: GridLevel = { ...linear, cell: [4, 4] };
const cubic: GridLevel = { cell: [4], channels: 1, interpolation: 'cubic' };

describe('a circle', () => {
  const field = { wraps: true };
  // 45 samples in cells of 8: six of 7.5.
  it.each([nearest, linear, cubic])(
    '$interpolation: places whole turns apart are the same, to the bit',
    (level) => {
      for (const x of [0, 0.3, 17.5, 44.999, 22.5]) {
        const here = levelStencil(field, level, [3, 45], [1, x]);
        for (const turns of [-1, 1, 4]) {
          const there = levelStencil(field, level, [3, 45], [1, x + 45 * turns]);
          if (x + 45 * turns - 45 * turns === x) expect(there).toEqual(here);
        }
      }
    },
  );

  it('cells beyond either end are those at the other; the other axes have ends', () => {
    expect(axisTaps(field, cubic, [24], 0, 1).map(({ cell }) => cell)).toEqual([4, 5, 0, 1]);
    expect(axisTaps(field, cubic, [24], 0, 23).map(({ cell }) => cell)).toEqual([4, 5, 0, 1]);
    expect(axisTaps(field, linear2, [9, 24], 0, 0.5).map(({ cell }) => cell)).toEqual([0, 0]);
    expect(axisTaps(field, linear2, [9, 24], 1, 0.5).map(({ cell }) => cell)).toEqual([5, 0]);
  });

  it('cells and periods are stretched so that a whole number goes round', () => {
    expect(cellSize(field, linear2, [9, 45], 1)).toBe(45 / 12);
    expect(cellSize(field, linear2, [9, 45], 0)).toBe(4);
    const spec = { ...pyramid({ axes: 2, outputs: 1, levels: [{ cell: 4, channels: 1 }] }), wraps: true };
    expect(periodOf(spec, [9, 45])).toEqual([4, 45 / 12]);
    expect(features(spec, [9, 45], [2, 45 + 3])).toEqual(features(spec, [9, 45], [2, 3]));
  });

  it('values do not step at the seam: taps there are those of any other place, shifted', () => {
    for (const f of [0.1, 1.7, 3.2]) {
      const middle = axisTaps(field, cubic, [24], 0, 12 + f);
      const seam = axisTaps(field, cubic, [24], 0, 24 + f);
      expect(seam.map(({ cell }) => (cell + 3) % 6)).toEqual(middle.map(({ cell }) => cell));
      seam.forEach(({ weight }, i) => {
        expect(weight).toBeCloseTo(middle[i]!.weight, 12);
      });
    }
  });
});

describe('stencils', () => {
  it('linear: a knot has weight 1, half way between two each has a half', () => {
    expect(levelStencil({}, linear, [12], [6])).toEqual([
      { cell: 1, weight: 1 },
      { cell: 2, weight: 0 },
    ]);
    expect(levelStencil({}, linear, [12], [4])).toEqual([
      { cell: 0, weight: 0.5 },
      { cell: 1, weight: 0.5 },
    ]);
  });

  it('linear: beyond the outermost knots both taps are the outermost cell, even outside the signal', () => {
    for (const x of [0.5, -7])
      expect(axisTaps({}, linear, [12], 0, x).map((tap) => tap.cell)).toEqual([0, 0]);
    for (const x of [11.5, 40])
      expect(axisTaps({}, linear, [12], 0, x).map((tap) => tap.cell)).toEqual([2, 2]);
  });

  it('nearest: the cell the point is in; the last cell may be cut by the end of the signal', () => {
    const cellAt = (x: number) => levelStencil({}, nearest, [10], [x])[0]!.cell;
    expect([0, 3.999, 4, 9.5, 10, 99, -1].map(cellAt)).toEqual([0, 0, 1, 2, 2, 2, 0]);
  });

  it('cubic: a knot has weight 1, half way between two the outer ones have the weight of Keys at 3/2', () => {
    const taps = levelStencil({}, cubic, [24], [10]);
    expect(taps.map(({ cell, weight }) => [cell, weight + 0])).toEqual([
      [1, 0],
      [2, 1],
      [3, 0],
      [4, 0],
    ]);
    expect(levelStencil({}, cubic, [24], [12]).map(({ weight }) => weight)).toEqual([
      -3 / 32,
      19 / 32,
      19 / 32,
      -3 / 32,
    ]);
  });

  it('cubic: weights sum to 1 everywhere, cells beyond the outermost are as these', () => {
    for (const x of [-9, 0.3, 1.9, 5.7, 11, 23.5, 40]) {
      const taps = axisTaps({}, cubic, [24], 0, x);
      expect(taps.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 14);
    }
    expect(axisTaps({}, cubic, [24], 0, 1.5).map(({ cell }) => cell)).toEqual([0, 0, 0, 1]);
    expect(axisTaps({}, cubic, [24], 0, 23).map(({ cell }) => cell)).toEqual([4, 5, 5, 5]);
  });

  it.each([nearest, linear, cubic])('slopes are what weights change by: $interpolation', (level) => {
    for (const x of [1.1, 5.3, 9.7, 14.2]) {
      const [low, high] = [x - 1e-6, x + 1e-6].map((at) => axisTaps({}, level, [24], 0, at));
      axisSlopes({}, level, [24], 0, x).forEach(({ cell, weight }, i) => {
        expect(cell).toBe(low![i]!.cell);
        expect(weight).toBeCloseTo((high![i]!.weight - low![i]!.weight) / 2e-6, 8);
      });
    }
  });

  it('a null cell is one cell of weight 1 along every axis', () => {
    const level: GridLevel = { cell: null, channels: 1, interpolation: 'linear' };
    expect(levelStencil({}, level, [5, 7], [1.5, 6.5])).toEqual([{ cell: 0, weight: 1 }]);
  });

  it('cells of several axes are row-major and their weights sum to 1', () => {
    const level: GridLevel = { cell: [2, 2, 5], channels: 1, interpolation: 'linear' };
    const taps = levelStencil({}, level, [6, 4, 10], [2.25, 1.5, 4]);
    expect(taps).toHaveLength(8);
    expect(taps[0]!.cell).toBe(0);
    expect(taps[7]!.cell).toBe((1 * 2 + 1) * 2 + 1);
    expect(taps.reduce((sum, tap) => sum + tap.weight, 0)).toBeCloseTo(1, 15);
    expect(taps[7]!.weight).toBeCloseTo(0.625 * 0.25 * 0.3, 15);
  });
});

describe('features', () => {
  const spec = {
    ...preset('pyramid', {
      axes: 2,
      outputs: 1,
      levels: [
        { cell: [8, 2], channels: 1 },
        { cell: [4, 3], channels: 1 },
        { cell: null, channels: 1 },
      ],
    }),
    features: { global: true, local: true, harmonics: 2 },
  };

  it('the finest cell is chosen axis by axis, and is the extent where no level has cells', () => {
    expect(periodOf(spec, [16, 16])).toEqual([4, 2]);
    expect(periodOf({ ...spec, levels: [spec.levels[2]!] }, [16, 9])).toEqual([16, 9]);
  });

  it('of a period that is asked for go on over the finest cells', () => {
    const wide = { ...spec, features: { global: false, local: true, harmonics: 1, period: [16, 8] } };
    expect(periodOf(wide, [16, 16])).toEqual([16, 8]);
    const got = Array.from(features(wide, [16, 16], [4, 2]));
    [-0.5, -0.5, 1, 0, 1, 0].forEach((value, i) => {
      expect(got[i]).toBeCloseTo(value, 14);
    });
  });

  it('come as global, local, then sin and cos of each harmonic and axis', () => {
    const got = Array.from(features(spec, [16, 10], [5, 2.5]));
    const [ry, rx] = [0.25, 0.25];
    const sin = (t: number) => Math.sin(2 * Math.PI * t);
    const cos = (t: number) => Math.cos(2 * Math.PI * t);
    // Cells of 4 and 2: periods of 4 and 2 samples along y, of 2 and 1 along x.
    const waves = [sin(ry), cos(ry), sin(rx), 0, sin(2 * ry), 0, 0, 0];
    const want = [-0.375, -0.5, 2 * ry - 1, 2 * rx - 1, ...waves];
    expect(got).toHaveLength(want.length);
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 14);
    });
  });
});

describe('between samples', () => {
  it('harmonics take no part that samples did not show: they are sums of what the samples hold', () => {
    const one = pyramid({ axes: 1, outputs: 1, levels: [{ cell: 6, channels: 1 }] });
    const spec = { ...one, features: { global: false, local: false, harmonics: 7 } };
    const samples = Array.from({ length: 12 }, (_, i) => features(spec, [12], [i + 0.5]));
    const constantAtSamples = (k: number) => samples.every((f) => Math.abs(f[k]! - samples[0]![k]!) < 1e-12);
    for (let x = 0; x < 12; x += 0.1) {
      const found = features(spec, [12], [x]);
      found.forEach((value, k) => {
        if (constantAtSamples(k)) expect(value).toBe(0);
      });
    }
  });
});

describe('grids', () => {
  it('positions run with the last axis fastest', () => {
    const got = gridPositions({ start: [0.5, 10], step: [1, 0.25], count: [2, 3] });
    expect(Array.from(got)).toEqual([0.5, 10, 0.5, 10.25, 0.5, 10.5, 1.5, 10, 1.5, 10.25, 1.5, 10.5]);
  });

  it('the covering grid of a signal is its samples; with more points each is in the middle of its share', () => {
    expect(coveringGrid([3, 4])).toEqual({ kind: 'grid', start: [0.5, 0.5], step: [1, 1], count: [3, 4] });
    expect(coveringGrid([8], [32])).toEqual({ kind: 'grid', start: [0.125], step: [0.25], count: [32] });
  });
});
