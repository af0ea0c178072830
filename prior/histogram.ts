/**
 * One pooled histogram of the training symbols of all channels, for every quality anchor: the entropy model of COIN++
 * (arXiv 2201.12904, section 4) over this program's quantiser, as a real coder. Values that training did not see
 * go through the escape. The baseline that every other prior is held against.
 *
 *   prior.histogram.qualities    U8  [anchors], ascending
 *   prior.histogram.sizes        U16 [anchors]
 *   prior.histogram.minima       I16 [anchors]
 *   prior.histogram.frequencies  U16 [sum of sizes]
 */
import { BadInputError } from '../src/core/errors.ts';
import { look } from '../src/core/look.ts';
import { type Tensor, takeTensor, tensor } from '../src/core/tensor.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import { checkAnchors, nearestAnchor, type SymbolCounts, type ValueCounts } from './counts.ts';
import {
  type ChannelTable,
  type EntropyPrior,
  type SymbolCoder,
  type Symbols,
  symbolsOfPart,
  type Table,
  type WalkPart,
} from './prior.ts';
import { checkQuality } from './quantiser.ts';
import { largestFrequencyOf, maxTableSize, packTables, tableFromCounts, unpackTables } from './table.ts';

/** Symbols between two looks at whether to stop, as a mask: a millisecond or two. */
const lookMask = 8191;

export class HistogramPrior implements EntropyPrior {
  readonly kind = 'histogram';
  readonly multiplyAddsPerSymbol = 1;
  readonly #anchors: Uint8Array;
  readonly #tables: readonly Table[];

  constructor(anchors: Uint8Array, tables: readonly Table[]) {
    this.#anchors = anchors;
    this.#tables = tables;
  }

  largestFrequency(quality: number): number {
    return largestFrequencyOf([this.#at(quality)]);
  }

  walk(
    layout: ModulationLayout,
    quality: number,
    symbols: Symbols,
    coder: SymbolCoder,
    part?: WalkPart | undefined,
  ): void {
    const table = this.#at(quality);
    const [from, to] = symbolsOfPart(layout, part);
    for (let i = from; i < to; i++) {
      if ((i & lookMask) === 0) look();
      symbols[i] = coder.code(table, 0, symbols[i]!);
    }
  }

  tablesOf({ channels }: ModulationLayout, quality: number): readonly ChannelTable[] {
    return new Array<ChannelTable>(channels).fill({ table: this.#at(quality), offset: 0 });
  }

  #at(quality: number): Table {
    checkQuality(quality);
    return this.#tables[nearestAnchor(this.#anchors, quality)]!;
  }
}

/** Tensors of the histograms of `counts`, one for each quality in them. Throws BadInputError `prior-counts` when there is none. */
export function fitHistogram(counts: SymbolCounts): Map<string, Tensor> {
  const { qualities } = counts;
  if (qualities.length === 0) throw new BadInputError('prior-counts', 'no training symbols were counted');
  const packed = packTables(qualities.map((quality) => histogramTable(counts.pooled(quality))));
  return new Map([
    ['prior.histogram.qualities', tensor(Uint8Array.from(qualities))],
    ['prior.histogram.sizes', tensor(packed.sizes)],
    ['prior.histogram.minima', tensor(packed.minima)],
    ['prior.histogram.frequencies', tensor(packed.frequencies)],
  ]);
}

/** Throws BadInputError `tensor-*`, `prior-anchors` or `prior-table`. */
export function readHistogram(tensors: ReadonlyMap<string, Tensor>): HistogramPrior {
  const anchors = checkAnchors(takeTensor(tensors, 'prior.histogram.qualities', 'U8'), 'prior.histogram');
  const packed = {
    frequencies: takeTensor(tensors, 'prior.histogram.frequencies', 'U16'),
    sizes: takeTensor(tensors, 'prior.histogram.sizes', 'U16'),
    minima: takeTensor(tensors, 'prior.histogram.minima', 'I16'),
  };
  return new HistogramPrior(anchors, unpackTables(packed, 'prior.histogram', anchors.length));
}

/** Largest value of a table, in absolute terms: minima are stored in 16 bits. */
const largestValue = 32767;

/** The table of a histogram: from the least to the greatest value; rare ends beyond what a table holds go to the escape. */
function histogramTable(counts: ValueCounts): Table {
  const values = [...counts.keys()].sort((a, b) => a - b);
  let low = values.findIndex((value) => value >= -largestValue);
  let high = values.findLastIndex((value) => value <= largestValue);
  while (low < high && values[high]! - values[low]! + 2 > maxTableSize) {
    if (counts.get(values[low]!)! < counts.get(values[high]!)!) low++;
    else high--;
  }
  if (low < 0 || high < low)
    throw new BadInputError('prior-counts', 'all training symbols are out of range; use coarser steps');
  const min = values[low]!;
  const list = new Float64Array(values[high]! - min + 2);
  values.forEach((value, i) => {
    const index = i < low || i > high ? list.length - 1 : value - min;
    list[index] = list[index]! + counts.get(value)!;
  });
  return tableFromCounts(list, min);
}
