import { describe, expect, it } from 'vitest';
import { BadInputError } from '../src/core/errors.ts';
import { layoutOfGrids } from '../src/field/layout.ts';
import {
  checkContextRecipe,
  compand,
  contextInputs,
  defaultRecipe,
  inputCount,
  LevelContext,
  maxRaw,
} from './context.ts';

/** Two levels over 12 x 12 points: 2 x 2 cells of 8 (one channel), 3 x 3 cells of 4 (two channels). */
const layout = layoutOfGrids([
  { cells: [2, 2], channels: 1, cell: [8, 8] },
  { cells: [3, 3], channels: 2, cell: [4, 4] },
]);
/** The symbol is its own place: hundreds for the coarse level. */
const symbols = Int32Array.from({ length: 22 }, (_, i) => (i < 4 ? 100 + i : i - 4));

/** The four nearest of the default's neighbours. */
const nearest = { ...defaultRecipe(2), neighbours: defaultRecipe(2).neighbours.slice(0, 4) };

describe('contexts', () => {
  it('compand symbols as 16 log2(1 + |v|), up to 127', () => {
    expect([0, 1, 3, 7, 15, -1, -3].map(compand)).toEqual([0, 16, 32, 48, 64, -16, -32]);
    for (let v = 0; v < 5000; v++) {
      expect(Math.abs(compand(v) - Math.min(127, 16 * Math.log2(1 + v)))).toBeLessThan(2.4);
      expect(compand(-v)).toBe(v === 0 ? 0 : -compand(v));
    }
  });

  it('hold the covering cell and the causal neighbours, and zeros beyond the border', () => {
    const recipe = nearest;
    const all = contextInputs(recipe, layout, 1, 60, symbols);
    const inputs = inputCount(recipe, 2, [1, 2], 1);
    expect(inputs).toBe(2 + 4 + 1 + 4 * 2);
    const of = (cell: number) => [...all.subarray(cell * inputs, (cell + 1) * inputs)];
    // quality; W N NW NE exist?; coarse; W, N, NW, NE with two channels each
    expect(of(0)).toEqual([10, 4, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(of(4)).toEqual([10, 4, 16, 16, 16, 16, 100, 6, 7, 2, 3, 0, 1, 4, 5]);
    expect(of(8)).toEqual([10, 4, 16, 16, 16, 0, 103, 14, 15, 10, 11, 8, 9, 0, 0]);
  });

  it('clamp what they see', () => {
    const far = symbols.slice().fill(1_000_000, 0, 1).fill(-1_000_000, 4, 5);
    const values = contextInputs(nearest, layout, 1, 50, far);
    expect(values[6]).toBe(maxRaw);
    expect(values[15 + 7]).toBe(-maxRaw);
  });

  it('look at nothing that is not coded yet', () => {
    for (const recipe of [defaultRecipe(2), defaultRecipe(2, true)]) {
      for (let cell = 0; cell < 9; cell++) {
        const known = symbols.slice();
        known.fill(77, 4 + 2 * cell);
        const context = new LevelContext(recipe, layout, 1);
        const [a, b] = [new Int32Array(context.inputs), new Int32Array(context.inputs)];
        context.gather(cell, 50, symbols, a);
        context.gather(cell, 50, known, b);
        expect(b).toEqual(a);
      }
    }
  });

  it('say where the cell is, when asked to', () => {
    const values = contextInputs(
      defaultRecipe(1, true),
      layoutOfGrids([{ cells: [4], channels: 1, cell: [2] }]),
      0,
      50,
      new Int32Array(4),
    );
    const inputs = values.length / 4;
    expect([0, 1, 2, 3].map((cell) => [...values.subarray(cell * inputs + 4, cell * inputs + 6)])).toEqual([
      [-48, 36],
      [-16, 4],
      [16, 4],
      [48, 36],
    ]);
  });

  it('cover a level of one cell, and are covered by one', () => {
    const mixed = layoutOfGrids([
      { cells: [3], channels: 1, cell: [2] },
      { cells: [1], channels: 1, cell: null },
      { cells: [6], channels: 1, cell: [1] },
    ]);
    const values = Int32Array.from({ length: 10 }, (_, i) => 10 + i);
    expect(contextInputs(defaultRecipe(1), mixed, 1, 50, values)[4]).toBe(11);
    const last = contextInputs(defaultRecipe(1), mixed, 2, 50, values);
    expect(Array.from({ length: 6 }, (_, cell) => [...last.subarray(cell * 8 + 4, cell * 8 + 6)])).toEqual([
      [10, 13],
      [10, 13],
      [11, 13],
      [11, 13],
      [12, 13],
      [12, 13],
    ]);
  });

  it('refuse a neighbour that comes later', () => {
    for (const neighbours of [[[0, 0]], [[0, 1]], [[1, -1]], [[-1]]]) {
      expect(() => checkContextRecipe({ neighbours, parents: [], position: false }, 2)).toThrow(
        BadInputError,
      );
    }
    checkContextRecipe(
      {
        neighbours: [
          [-1, 5],
          [0, -2],
        ],
        parents: [[1, 1]],
        position: false,
      },
      2,
    );
  });
});
