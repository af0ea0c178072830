/**
 * What a context model knows when it comes to a cell: symbols of the covering cells in coarser levels, symbols of
 * neighbours already coded in its own level, the quality, which neighbours exist and where the cell is. The same code
 * serves coding and training.
 *
 * A vector of inputs is  [auxiliary | coarser levels | neighbours]:
 *   auxiliary     quality - 50; floor((quality - 50)^2 / 25); for each neighbour 16 if it is in the grid, else 0; with
 *                 `position`, for each axis t = floor(64 (2 i + 1) / cells) - 64 and floor(t^2 / 64)
 *   coarser       for each coarser level, for each parent offset, its channels; the covering cell is the one that holds
 *                 the centre of this cell
 *   neighbours    for each neighbour offset, the level's channels
 * Symbols are clamped to +-maxRaw; those of cells outside their grid are 0.
 */
import { BadInputError } from '../src/core/errors.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import { pointCount } from '../src/field/spec.ts';
import type { Symbols } from './prior.ts';

export interface ContextRecipe {
  /** [n][axes]: offsets to cells coded before: the first component that is not 0 is negative. */
  readonly neighbours: readonly (readonly number[])[];
  /** [m][axes]: offsets around the covering cell of every coarser level. */
  readonly parents: readonly (readonly number[])[];
  /** Whether the place in the grid is an input: for families of one size. */
  readonly position: boolean;
}

/** Largest symbol a context sees. */
export const maxRaw = 4095;
/** Largest auxiliary or companded input. */
export const maxCompanded = 127;

/** The nearest cells coded before: 2, 10 or 6 neighbours for 1, 2 or 3 axes, and the covering cells alone. */
export function defaultRecipe(axes: number, position = false): ContextRecipe {
  const neighbours = [
    [[-1], [-2]],
    [
      [0, -1],
      [-1, 0],
      [-1, -1],
      [-1, 1],
      [0, -2],
      [-2, 0],
      [-1, -2],
      [-1, 2],
      [-2, -1],
      [-2, 1],
    ],
    [
      [0, 0, -1],
      [0, -1, 0],
      [-1, 0, 0],
      [0, -1, -1],
      [-1, 0, -1],
      [-1, -1, 0],
    ],
  ][axes - 1];
  if (neighbours === undefined) throw new BadInputError('prior-recipe', `1, 2 or 3 axes, not ${axes}`);
  return { neighbours, parents: [new Array<number>(axes).fill(0)], position };
}

/** Throws BadInputError `prior-recipe` unless every neighbour is coded before its cell. */
export function checkContextRecipe(recipe: ContextRecipe, axes: number): void {
  for (const offset of [...recipe.neighbours, ...recipe.parents]) {
    if (offset.length !== axes)
      throw new BadInputError('prior-recipe', `an offset has ${axes} components, not ${offset.length}`);
  }
  for (const offset of recipe.neighbours) {
    if (!((offset.find((step) => step !== 0) ?? 0) < 0)) {
      throw new BadInputError('prior-recipe', `the neighbour at [${offset}] is not coded before its cell`);
    }
  }
}

/** Auxiliary inputs that come before the symbols. */
export function auxiliaryCount(recipe: ContextRecipe, axes: number): number {
  return 2 + recipe.neighbours.length + (recipe.position ? 2 * axes : 0);
}

/** Inputs of a level in all; `channels` are those of all levels, coarse to fine. */
export function inputCount(
  recipe: ContextRecipe,
  axes: number,
  channels: readonly number[],
  level: number,
): number {
  const coarser = channels.slice(0, level).reduce((sum, n) => sum + n, 0);
  return (
    auxiliaryCount(recipe, axes) +
    coarser * recipe.parents.length +
    channels[level]! * recipe.neighbours.length
  );
}

/**
 * The scale on which contexts see symbols: 16 log2(1 + |v|), piecewise linear between powers of two, with the sign of
 * v, up to +-127. With a = |v| + 1 and e = floor(log2 a): 16 e + floor(16 (a - 2^e) / 2^e).
 */
export function compand(v: number): number {
  const size = companded[v < 0 ? -v : v] ?? maxCompanded;
  return v < 0 ? -size : size;
}

const companded = Uint8Array.from({ length: maxRaw + 1 }, (_, size) => {
  const a = size + 1;
  const e = 31 - Math.clz32(a);
  return Math.min(maxCompanded, 16 * e + (((a - (1 << e)) * 16) >> e));
});

/** Walks the contexts of one level of a layout. Allocates once; `gather` does not. */
export class LevelContext {
  readonly inputs: number;
  readonly auxiliary: number;
  /** Cells of the level. */
  readonly cells: number;
  /** Index of the level's first symbol. */
  readonly start: number;
  readonly channels: number;
  readonly #grid: readonly number[];
  readonly #recipe: ContextRecipe;
  readonly #parents: readonly Parent[];
  readonly #at: Int32Array;

  constructor(recipe: ContextRecipe, layout: ModulationLayout, level: number) {
    const own = layout.levels[level]!;
    const axes = own.cells.length;
    this.channels = own.channels;
    this.#grid = own.cells;
    this.cells = pointCount(own.cells);
    this.#recipe = recipe;
    this.auxiliary = auxiliaryCount(recipe, axes);
    this.inputs = inputCount(
      recipe,
      axes,
      layout.levels.map((l) => l.channels),
      level,
    );
    this.#at = new Int32Array(axes);
    let start = 0;
    this.#parents = layout.levels.slice(0, level).map((coarse) => {
      const parent = { cells: coarse.cells, channels: coarse.channels, start, cover: covering(own, coarse) };
      start += pointCount(coarse.cells) * coarse.channels;
      return parent;
    });
    this.start = start;
  }

  /** Inputs of a cell into `values` [inputs]; `symbols` are those of the whole layout, coded up to this cell. */
  gather(cell: number, quality: number, symbols: Symbols, values: Int32Array): void {
    const grid = this.#grid;
    const { neighbours, parents, position } = this.#recipe;
    const axes = grid.length;
    const at = this.#at;
    for (let axis = axes - 1, rest = cell; axis >= 0; axis--) {
      at[axis] = rest % grid[axis]!;
      rest = (rest - at[axis]!) / grid[axis]!;
    }
    values[0] = quality - 50;
    values[1] = Math.floor(((quality - 50) * (quality - 50)) / 25);
    let next = 2 + neighbours.length;
    if (position) {
      for (let axis = 0; axis < axes; axis++) {
        const t = Math.floor((64 * (2 * at[axis]! + 1)) / grid[axis]!) - 64;
        values[next++] = t;
        values[next++] = (t * t) >> 6;
      }
    }
    for (const parent of this.#parents) {
      for (const offset of parents) {
        let index = 0;
        for (let axis = 0; axis < axes && index >= 0; axis++) {
          const i = parent.cover[axis]![at[axis]!]! + offset[axis]!;
          index = i < 0 || i >= parent.cells[axis]! ? -1 : index * parent.cells[axis]! + i;
        }
        next = take(
          symbols,
          parent.start + index * parent.channels,
          index >= 0,
          parent.channels,
          values,
          next,
        );
      }
    }
    for (let k = 0; k < neighbours.length; k++) {
      const offset = neighbours[k]!;
      let index = 0;
      for (let axis = 0; axis < axes && index >= 0; axis++) {
        const i = at[axis]! + offset[axis]!;
        index = i < 0 || i >= grid[axis]! ? -1 : index * grid[axis]! + i;
      }
      values[2 + k] = index >= 0 ? 16 : 0;
      next = take(symbols, this.start + index * this.channels, index >= 0, this.channels, values, next);
    }
  }
}

interface Parent {
  readonly cells: readonly number[];
  readonly channels: number;
  readonly start: number;
  /** [axis][cell of the finer level]: the coarser level's cell along that axis. */
  readonly cover: readonly Int32Array[];
}

/**
 * All inputs of one level: [cells, inputs], row-major, for training. `symbols` [layout.length]; what a cell may not
 * know yet is not looked at.
 */
export function contextInputs(
  recipe: ContextRecipe,
  layout: ModulationLayout,
  level: number,
  quality: number,
  symbols: Int32Array,
): Int32Array {
  const context = new LevelContext(recipe, layout, level);
  const all = new Int32Array(context.cells * context.inputs);
  for (let cell = 0; cell < context.cells; cell++) {
    context.gather(cell, quality, symbols, all.subarray(cell * context.inputs, (cell + 1) * context.inputs));
  }
  return all;
}

function take(
  symbols: Symbols,
  from: number,
  exists: boolean,
  channels: number,
  values: Int32Array,
  at: number,
): number {
  for (let c = 0; c < channels; c++) {
    values[at + c] = exists ? Math.min(maxRaw, Math.max(-maxRaw, symbols[from + c]!)) : 0;
  }
  return at + channels;
}

/** [axis][cell of the finer level]: the coarser level's cell along that axis. */
export function covering(
  fine: ModulationLayout['levels'][number],
  coarse: ModulationLayout['levels'][number],
): Int32Array[] {
  return fine.cells.map((count, axis) =>
    Int32Array.from({ length: count }, (_, i) => {
      if (coarse.cell === null) return 0;
      // With one cell for the whole signal the centre is unknown, and so is what covers it: the middle.
      if (fine.cell === null) return Math.floor(coarse.cells[axis]! / 2);
      return Math.min(
        coarse.cells[axis]! - 1,
        Math.floor(((i + 0.5) * fine.cell[axis]!) / coarse.cell[axis]!),
      );
    }),
  );
}
