/**
 * One table for each channel and quality anchor, chosen from the bank by counting training symbols: channels are
 * independent, as are cells.
 *
 *   prior.factorized.qualities  U8  [anchors], ascending
 *   prior.factorized.notches    U8  [anchors, channels]   scale: eighths of an octave
 *   prior.factorized.means      I32 [anchors, channels]   1/32 of a symbol
 *   prior.factorized.shapes     U8  [anchors, channels]   shape in the bank
 *
 * Between two anchors notch and mean are interpolated, rounded down; beyond the last ones the scale follows the
 * quantiser's steps (four fifths of a notch for each point of quality). Shapes are the nearest anchor's.
 */
import { BadInputError } from '../src/core/errors.ts';
import { look } from '../src/core/look.ts';
import { type Tensor, takeTensor, tensor } from '../src/core/tensor.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import { type FieldSpec, pointCount, totalChannels } from '../src/field/spec.ts';
import { deviationOfShape, maxNotch, meanBits, readBank, scaleOfNotch, type TableBank } from './bank.ts';
import { bitsOfValue } from './cost.ts';
import { checkAnchors, nearestAnchor, type SymbolCounts, type ValueCounts } from './counts.ts';
import {
  type ChannelTable,
  type EntropyPrior,
  type SymbolCoder,
  type Symbols,
  symbolsOfPart,
  type WalkPart,
} from './prior.ts';
import { checkQuality } from './quantiser.ts';
import { largestFrequencyOf } from './table.ts';

const meanUnit = 1 << meanBits;
const maxMean = 1 << 17;

/** Cells between two looks at whether to stop, as a mask: a few milliseconds. */
const lookMask = 1023;

/** Qualities whose tables are kept. */
const mostKept = 16;

interface Choice {
  readonly shape: number;
  readonly notch: number;
  readonly mean: number;
}

export class FactorizedPrior implements EntropyPrior {
  readonly kind = 'factorized';
  readonly multiplyAddsPerSymbol = 1;
  readonly #bank: TableBank;
  readonly #anchors: Uint8Array;
  /** [anchors][channels]. */
  readonly #choices: readonly (readonly Choice[])[];
  /** [channels], by quality: the last few. */
  readonly #tables = new Map<number, readonly ChannelTable[]>();

  constructor(bank: TableBank, anchors: Uint8Array, choices: readonly (readonly Choice[])[]) {
    this.#bank = bank;
    this.#anchors = anchors;
    this.#choices = choices;
  }

  largestFrequency(quality: number): number {
    const tables = this.choicesAt(quality).map(({ shape, notch, mean }) =>
      this.#bank.table(shape, notch, mean),
    );
    return largestFrequencyOf(tables);
  }

  /** Throws BadInputError `prior-layout` when the layout has another number of channels. */
  walk(
    layout: ModulationLayout,
    quality: number,
    symbols: Symbols,
    coder: SymbolCoder,
    part?: WalkPart | undefined,
  ): void {
    const all = this.tablesOf(layout, quality);
    let [at] = symbolsOfPart(layout, part);
    let first = 0;
    for (const [k, level] of layout.levels.entries()) {
      const { from, to } = part ?? { from: 0, to: pointCount(level.cells) };
      const isVisited = part === undefined || part.level === k;
      const own = all.slice(first, first + level.channels);
      const tables = own.map(({ table }) => table);
      const offsets = own.map(({ offset }) => offset);
      for (let cell = isVisited ? to - from : 0; cell > 0; cell--) {
        if ((cell & lookMask) === 0) look();
        for (let c = 0; c < tables.length; c++, at++)
          symbols[at] = coder.code(tables[c]!, offsets[c]!, symbols[at]!);
      }
      first += level.channels;
    }
  }

  /** Throws BadInputError `prior-layout`. */
  tablesOf({ channels }: ModulationLayout, quality: number): readonly ChannelTable[] {
    checkQuality(quality);
    let tables = this.#tables.get(quality);
    if (tables === undefined) {
      tables = this.choicesAt(quality).map(({ shape, notch, mean }) => ({
        table: this.#bank.table(shape, notch, mean),
        offset: this.#bank.offset(notch, mean),
      }));
      if (this.#tables.size >= mostKept) this.#tables.delete(this.#tables.keys().next().value!);
      this.#tables.set(quality, tables);
    }
    if (channels === tables.length) return tables;
    throw new BadInputError('prior-layout', `the prior is for ${tables.length} channels, not ${channels}`);
  }

  /** [channels]. */
  choicesAt(quality: number): readonly Choice[] {
    checkQuality(quality);
    const anchors = this.#anchors;
    const shapes = this.#choices[nearestAnchor(anchors, quality)]!;
    const above = anchors.findIndex((anchor) => anchor >= quality);
    if (above > 0) {
      const low = anchors[above - 1]!;
      const span = anchors[above]! - low;
      const between = (a: number, b: number) => a + Math.floor(((b - a) * (quality - low)) / span);
      return shapes.map(({ shape }, c) => {
        const from = this.#choices[above - 1]![c]!;
        const to = this.#choices[above]![c]!;
        return { shape, notch: between(from.notch, to.notch), mean: between(from.mean, to.mean) };
      });
    }
    const end = above === 0 ? 0 : anchors.length - 1;
    const steps = Math.floor((4 * (quality - anchors[end]!)) / 5);
    return this.#choices[end]!.map((choice) => ({
      ...choice,
      notch: Math.min(maxNotch, Math.max(0, choice.notch + steps)),
    }));
  }
}

/** Of the symbols of channels, [channels]. */
export interface ChannelMoments {
  readonly means: Float64Array;
  /** Standard deviations, above 0. */
  readonly deviations: Float64Array;
}

/** What the tables of a prior say of each channel at a quality; undefined of one whose tables are not those of channels. */
export function momentsOf(prior: EntropyPrior, quality: number): ChannelMoments | undefined {
  if (!(prior instanceof FactorizedPrior)) return undefined;
  const choices = prior.choicesAt(quality);
  return {
    means: Float64Array.from(choices, ({ mean }) => mean / meanUnit),
    deviations: Float64Array.from(
      choices,
      ({ shape, notch }) => scaleOfNotch(notch) * deviationOfShape(shape),
    ),
  };
}

/** Tensors of the best choices for `counts`, an anchor for each quality in them. Throws BadInputError `prior-counts`. */
export function fitFactorized(counts: SymbolCounts, bank: TableBank): Map<string, Tensor> {
  const { qualities, channels } = counts;
  if (qualities.length === 0) throw new BadInputError('prior-counts', 'no training symbols were counted');
  const choices = qualities.flatMap((quality) =>
    counts.at(quality).map((values) => bestChoice(values, bank)),
  );
  const shape = [qualities.length, channels];
  return new Map([
    ['prior.factorized.qualities', tensor(Uint8Array.from(qualities))],
    [
      'prior.factorized.notches',
      tensor(
        Uint8Array.from(choices, (choice) => choice.notch),
        shape,
      ),
    ],
    [
      'prior.factorized.means',
      tensor(
        Int32Array.from(choices, (choice) => choice.mean),
        shape,
      ),
    ],
    [
      'prior.factorized.shapes',
      tensor(
        Uint8Array.from(choices, (choice) => choice.shape),
        shape,
      ),
    ],
  ]);
}

/** Throws BadInputError `tensor-*`, `prior-anchors`, `prior-table` or `prior-range`. */
export function readFactorized(tensors: ReadonlyMap<string, Tensor>, spec: FieldSpec): FactorizedPrior {
  const bank = readBank(tensors);
  const anchors = checkAnchors(takeTensor(tensors, 'prior.factorized.qualities', 'U8'), 'prior.factorized');
  const channels = totalChannels(spec);
  const count = anchors.length * channels;
  const notches = takeTensor(tensors, 'prior.factorized.notches', 'U8', count);
  const means = takeTensor(tensors, 'prior.factorized.means', 'I32', count);
  const shapes = takeTensor(tensors, 'prior.factorized.shapes', 'U8', count);
  const choices = Array.from(anchors, (_, a) =>
    Array.from({ length: channels }, (_, c) => {
      const i = a * channels + c;
      const choice = { shape: shapes[i]!, notch: notches[i]!, mean: means[i]! };
      if (choice.shape >= bank.shapes || choice.notch > maxNotch || Math.abs(choice.mean) > maxMean) {
        throw new BadInputError(
          'prior-range',
          `prior.factorized: no table ${JSON.stringify(choice)} in the bank`,
        );
      }
      return choice;
    }),
  );
  return new FactorizedPrior(bank, anchors, choices);
}

/** The shape, scale and mean that code these values in the fewest bits: for each shape, descent from the moments. */
function bestChoice(values: ValueCounts, bank: TableBank): Choice {
  let total = 0;
  let sum = 0;
  for (const [value, count] of values) {
    total += count;
    sum += value * count;
  }
  const start = total === 0 ? 0 : sum / total;
  const clamp = (mean: number) => Math.min(maxMean, Math.max(-maxMean, mean));
  const cost = ({ shape, notch, mean }: Choice) => {
    const table = bank.table(shape, notch, mean);
    const offset = bank.offset(notch, mean);
    let bits = 0;
    for (const [value, count] of values) bits += count * bitsOfValue(table, offset, value);
    return bits;
  };
  let best: Choice = { shape: 0, notch: 0, mean: 0 };
  let bestBits = cost(best);
  for (let shape = 0; shape < bank.shapes; shape++) {
    let here: Choice = { shape, notch: 0, mean: clamp(Math.floor(start * meanUnit + 0.5)) };
    let bits = Number.POSITIVE_INFINITY;
    // Any scale may be the best start, then steps that shrink.
    for (let notch = 0; notch <= maxNotch; notch += 4) {
      const there = { ...here, notch };
      const tried = cost(there);
      if (tried < bits) [here, bits] = [there, tried];
    }
    for (let step = 16; step >= 1; step = Math.floor(step / 2)) {
      for (let moved = true; moved; ) {
        moved = false;
        for (const [notchStep, meanStep] of [
          [Math.ceil(step / 4), 0],
          [-Math.ceil(step / 4), 0],
          [0, step],
          [0, -step],
        ] as const) {
          const notch = Math.min(maxNotch, Math.max(0, here.notch + notchStep));
          const there = { shape, notch, mean: clamp(here.mean + meanStep) };
          const tried = cost(there);
          if (tried < bits) {
            [here, bits] = [there, tried];
            moved = true;
          }
        }
      }
    }
    if (bits < bestBits) [best, bestBits] = [here, bits];
  }
  return best;
}
