/**
 * The autoregressive prior: a context model over the stack of grids, coarse to fine, cell by cell in raster order,
 * channel by channel. A small integer network per level picks a table of the bank for every symbol (after Balle,
 * Johnston and Minnen, ICLR 2019: integer arithmetic alone decides, so every machine decides alike).
 *
 * Exact semantics, for one cell of a level with C channels. Inputs v_i come from `context.ts`; x_i = v_i for auxiliary
 * inputs and x_i = compand(v_i) for symbols; y_i = x_i for auxiliary inputs and |x_i| for symbols. All numbers are
 * integers, `>>` rounds down, clip(a, lo, hi) clamps:
 *
 *   h1_u  = clip((b1_u + sum_i x_i W1_iu) >> s1, 0, 4095)              and likewise for further hidden layers
 *   a_c   = B_c  + sum_i v_i M_ic + ((sum_u h_u V_uc)  >> so)  + sum_{d < c} v_d P_dc
 *   z_c   = B'_c + sum_i y_i M'_ic + ((sum_u h_u V'_uc) >> so') + sum_{d < c} |x_d| P'_dc
 *   mean  = clip(a_c >> s, -2^17, 2^17)       in 1/32 of a symbol
 *   notch = clip(z_c >> s', 0, 143)           eighths of an octave
 *
 * where v_d and x_d are the channels of this cell coded before; P and P' reach R channels back. Channel c is then
 * coded with table(shape_c, notch, mean) of the bank. No sum can leave 32 bits: that is proved from the weights when
 * the prior is read.
 *
 * Hot loops read local typed arrays behind `!`: every index is below the length.
 */
import { BadInputError } from '../src/core/errors.ts';
import { look } from '../src/core/look.ts';
import type { Tensor } from '../src/core/tensor.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import { type FieldSpec, totalChannels } from '../src/field/spec.ts';
import { type LevelTensors, readLevel, readRecipe } from './autoregressive-tensors.ts';
import { maxNotch, readBank, type TableBank } from './bank.ts';
import type { CellNetwork, MakeCellNetwork } from './cell-network.ts';
import { fastestNetwork } from './cell-network-wasm.ts';
import { type ContextRecipe, compand, LevelContext, maxRaw } from './context.ts';
import type { EntropyPrior, SymbolCoder, Symbols, WalkPart } from './prior.ts';
import { checkQuality } from './quantiser.ts';
import { KernelWalk } from './walk-wasm.ts';

/** Cells between two looks at whether to stop, as a mask: a millisecond or two. */
const lookMask = 127;

/** Means stay within +-2^17, in 1/32. */
export const maxMean = 1 << 17;

/** What walks; it makes no difference to what is found. */
export interface TraversalOptions {
  /** What computes the networks of coders that the kernel does not serve. */
  readonly make?: MakeCellNetwork;
  /** Whether whole walks are left to kernel/walk.c where they can be. */
  readonly kernel?: boolean;
}

export class AutoregressivePrior implements EntropyPrior {
  readonly kind = 'autoregressive';
  readonly multiplyAddsPerSymbol: number;
  readonly recipe: ContextRecipe;
  readonly #bank: TableBank;
  readonly #levels: readonly LevelTensors[];
  /** By level, laid out at the first walk: what a prior costs is asked of many that never walk. */
  readonly #networks: () => readonly CellNetwork[];
  readonly #kernel: () => KernelWalk | undefined;

  constructor(
    bank: TableBank,
    recipe: ContextRecipe,
    levels: readonly LevelTensors[],
    { make = fastestNetwork, kernel = true }: TraversalOptions = {},
  ) {
    this.#bank = bank;
    this.recipe = recipe;
    this.#levels = levels;
    this.#networks = once(() => levels.map(make));
    this.#kernel = once(() => (kernel ? KernelWalk.open(bank, recipe, levels) : undefined));
    this.multiplyAddsPerSymbol = levels.reduce(
      (most, level) => Math.max(most, level.multiplyAdds / level.channels),
      0,
    );
  }

  /** Any table of the shapes may be used, at any quality. */
  largestFrequency(quality: number): number {
    checkQuality(quality);
    return this.#levels.reduce(
      (most, { shapes }) =>
        shapes.reduce((m, shape) => Math.max(m, this.#bank.largestFrequency(shape)), most),
      1,
    );
  }

  /** Throws BadInputError `prior-layout` when the layout is not that of the prior's family. */
  walk(
    layout: ModulationLayout,
    quality: number,
    symbols: Symbols,
    coder: SymbolCoder,
    part?: WalkPart | undefined,
  ): void {
    checkQuality(quality);
    const channels = layout.levels.map((level) => level.channels);
    if (channels.length !== this.#levels.length || channels.some((n, k) => n !== this.#levels[k]!.channels)) {
      throw new BadInputError('prior-layout', `the prior is for other channels than [${channels}]`);
    }
    if (part === undefined && this.#kernel()?.walk(layout, quality, symbols, coder)) return;
    this.#levels.forEach((tensors, k) => {
      if (part !== undefined && part.level !== k) return;
      const context = new LevelContext(this.recipe, layout, k);
      const { from, to } = part ?? { from: 0, to: context.cells };
      walkCells(tensors, this.#networks()[k]!, { context, from, to }, this.#bank, quality, symbols, coder);
    });
  }
}

/** The autoregressive prior of a model. Throws BadInputError `tensor-*`, `prior-table`, `prior-recipe` or `prior-range`. */
export function readAutoregressive(
  tensors: ReadonlyMap<string, Tensor>,
  spec: FieldSpec,
  options?: TraversalOptions,
): AutoregressivePrior {
  const bank = readBank(tensors);
  const recipe = readRecipe(tensors, spec.axes);
  const channels = spec.levels.map((level) => level.channels);
  if (totalChannels(spec) === 0)
    throw new BadInputError('prior-layout', 'a model without modulations has no prior');
  return new AutoregressivePrior(
    bank,
    recipe,
    channels.map((_, k) => readLevel(tensors, recipe, spec.axes, channels, k, bank.shapes)),
    options,
  );
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function walkCells(
  { channels, mean, scale, reach, shapes }: LevelTensors,
  network: CellNetwork,
  { context, from, to: end }: { readonly context: LevelContext; readonly from: number; readonly to: number },
  bank: TableBank,
  quality: number,
  symbols: Symbols,
  coder: SymbolCoder,
): void {
  const { values, means, scales } = network;
  let at = context.start + from * channels;
  for (let cell = from; cell < end; cell++) {
    if ((cell & lookMask) === 0) look();
    context.gather(cell, quality, symbols, values);
    network.run();
    for (let c = 0; c < channels; c++, at++) {
      const m = means[c]! >> mean.shift;
      const n = scales[c]! >> scale.shift;
      const clippedMean = Math.min(maxMean, Math.max(-maxMean, m));
      const notch = Math.min(maxNotch, Math.max(0, n));
      const table = bank.table(shapes[c]!, notch, clippedMean);
      const found = coder.code(table, bank.offset(notch, clippedMean), symbols[at]!);
      symbols[at] = found;
      if (found === 0) continue;
      const v = Math.min(maxRaw, Math.max(-maxRaw, found));
      const y = Math.abs(compand(v));
      const row = c * reach;
      for (let j = 0, to = c + 1; j < reach && to < channels; j++, to++) {
        means[to]! += Math.imul(v, mean.own[row + j]!);
        scales[to]! += Math.imul(y, scale.own[row + j]!);
      }
    }
  }
}
