/**
 * Rows of training: what the context model is given, and what it is to predict, for single cells of quantised
 * modulations. Hot loops read local typed arrays behind `!`: every index is below the length.
 */
import type { Rng } from '../../src/core/rng.ts';
import type { ModulationLayout } from '../../src/field/layout.ts';
import { inputUnit } from '../autoregressive-export.ts';
import { type ContextRecipe, compand, LevelContext, maxRaw } from '../context.ts';

/** Cells of one level, in the units of `autoregressive-export.ts`. */
export interface CellRows {
  readonly count: number;
  /** [count, inputs] each: x, v and y of the inputs. */
  readonly x: Float32Array;
  readonly v: Float32Array;
  readonly y: Float32Array;
  /** [count, channels]: the symbols to predict; the same clamped to +-maxRaw; |compand| / 16 of them. */
  readonly symbols: Float32Array;
  readonly seen: Float32Array;
  readonly sizes: Float32Array;
}

/** A quantised modulation and the quality it was quantised at. */
export interface Quantised {
  readonly layout: ModulationLayout;
  readonly quality: number;
  readonly symbols: Int32Array;
}

/**
 * Rows of a level, up to `perItem` random cells of each item without repetition; all of them when `rng` is absent.
 * `used`: rows nobody reads any more, whose memory serves again when it has the right size.
 */
export function levelRows(
  recipe: ContextRecipe,
  level: number,
  items: readonly Quantised[],
  perItem: number,
  rng?: Rng,
  used?: CellRows,
): CellRows {
  const contexts = contextsOf(recipe, level, items);
  const counts = contexts.map(({ cells }) => (rng ? Math.min(cells, perItem) : cells));
  const count = counts.reduce((sum, n) => sum + n, 0);
  const inputs = contexts[0]?.inputs ?? 0;
  const channels = contexts[0]?.channels ?? 0;
  const rows =
    used?.x.length === count * inputs && used.count === count ? used : emptyRows(count, inputs, channels);
  const values = new Int32Array(inputs);
  let row = 0;
  items.forEach(({ quality, symbols }, i) => {
    const context = contexts[i]!;
    for (const cell of someOf(context.cells, counts[i]!, rng)) {
      context.gather(cell, quality, symbols, values);
      fill(rows, row++, values, context.auxiliary, symbols, context.start + cell * channels, channels);
    }
  });
  return rows;
}

function emptyRows(count: number, inputs: number, channels: number): CellRows {
  const wide = () => new Float32Array(count * inputs);
  const narrow = () => new Float32Array(count * channels);
  return { count, x: wide(), v: wide(), y: wide(), symbols: narrow(), seen: narrow(), sizes: narrow() };
}

/** One context for each layout: as a rule all items share one. */
function contextsOf(recipe: ContextRecipe, level: number, items: readonly Quantised[]): LevelContext[] {
  const known = new Map<ModulationLayout, LevelContext>();
  return items.map(({ layout }) => {
    const context = known.get(layout) ?? new LevelContext(recipe, layout, level);
    known.set(layout, context);
    return context;
  });
}

function fill(
  rows: CellRows,
  row: number,
  values: Int32Array,
  auxiliary: number,
  symbols: Int32Array,
  from: number,
  channels: number,
): void {
  const { x, v, y } = rows;
  let at = row * values.length;
  for (let i = 0; i < values.length; i++, at++) {
    const raw = values[i]!;
    const aux = i < auxiliary;
    const scaled = (aux ? raw : compand(raw)) / inputUnit;
    x[at] = scaled;
    v[at] = aux ? scaled : raw;
    y[at] = aux || scaled >= 0 ? scaled : -scaled;
  }
  at = row * channels;
  for (let c = 0; c < channels; c++, at++) {
    const symbol = symbols[from + c]!;
    const seen = Math.min(maxRaw, Math.max(-maxRaw, symbol));
    rows.symbols[at] = symbol;
    rows.seen[at] = seen;
    rows.sizes[at] = Math.abs(compand(seen)) / inputUnit;
  }
}

/** `count` different numbers below n, in order; all of them in order without `rng`. */
function someOf(n: number, count: number, rng: Rng | undefined): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (!rng || count === n) return all;
  for (let i = 0; i < count; i++) {
    const j = i + rng.below(n - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, count).sort((a, b) => a - b);
}
