/**
 * A bank of integer tables: logistic mixtures, discretised, at 8 scales an octave and means between integers. Made
 * once, when a prior is trained, by deterministic arithmetic; shipped in the model as integers; a decoder only picks.
 *
 * Scales: notch n stands for s = 2^(n / 8 - 4). Notches 0..63 have tables of their own; above, the tables of notches
 * 56..63 serve with raw low bits (`Table.shift`): the density is flat within s / 8.
 * Means are in 1/32; tables keep as many of those bits as their scale can tell apart.
 * Discretisation: P(k) = F(k + 1/2) - F(k - 1/2), and cdf_i = round(F_i (2^16 - n)) + i, so that no frequency is zero
 * (the leaky quantiser of constriction, Bamler 2022).
 */
import { exp2, logistic } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';
import type { Tensor } from '../src/core/tensor.ts';
import { takeTensor, tensor } from '../src/core/tensor.ts';
import type { Table } from './prior.ts';
import { largestFrequencyOf, type PackedTables, packTables, tableOf, unpackTables } from './table.ts';

export const notchesPerOctave = 8;
export const firstOctave = -4;
/** Means are in units of 2^-meanBits. */
export const meanBits = 5;
/** Highest notch: s just below 2^14. */
export const maxNotch = 143;

const octaves = 8;
const ownNotches = octaves * notchesPerOctave;
/** Bits of the mean that the tables of each octave leave out. */
const droppedMeanBits: readonly number[] = [0, 0, 0, 1, 2, 3, 4, 5];
const tablesPerShape = droppedMeanBits.reduce((sum, d) => sum + notchesPerOctave * (1 << (meanBits - d)), 0);
/** Mass that each tail may leave to the escape. */
const tailMass = 1 / (1 << 14);

interface Component {
  readonly weight: number;
  readonly mean: number;
  readonly scale: number;
}

/** Shapes of the bank, as mixtures in units of s; the mean absolute deviation is that of the logistic in each. */
export const bankShapes: Readonly<Record<'logistic' | 'flat' | 'peaked' | 'spiked', readonly Component[]>> = {
  logistic: [{ weight: 1, mean: 0, scale: 1 }],
  // Nearly normal.
  flat: [
    { weight: 0.5, mean: -0.97, scale: 0.8 },
    { weight: 0.5, mean: 0.97, scale: 0.8 },
  ],
  // Nearly Laplace's.
  peaked: [
    { weight: 0.75, mean: 0, scale: 0.7 },
    { weight: 0.25, mean: 0, scale: 1.9 },
  ],
  // A spike on a slab: what rate-distortion optimisation leaves.
  spiked: [
    { weight: 0.6, mean: 0, scale: 0.4 },
    { weight: 0.4, mean: 0, scale: 1.9 },
  ],
};

export const shapeNames = ['logistic', 'flat', 'peaked', 'spiked'] as const;

/** Of a logistic distribution of scale 1: pi^2 / 3. */
const logisticVariance = 3.289868133696453;

/** Standard deviation of a shape of the bank, in units of s; of an index beyond the bank's that of the logistic. */
export function deviationOfShape(shape: number): number {
  const components = bankShapes[shapeNames[shape] ?? 'logistic'];
  const variance = components.reduce(
    (sum, { weight, mean, scale }) => sum + weight * (mean * mean + logisticVariance * scale * scale),
    0,
  );
  return Math.sqrt(variance);
}

/** Scale s of a notch (real-valued notches too). */
export function scaleOfNotch(notch: number): number {
  return exp2(notch / notchesPerOctave + firstOctave);
}

export class TableBank {
  /** How many shapes there are: a shape is an index below. */
  readonly shapes: number;
  readonly #tables: readonly Table[];
  /** [notch]: index of the first table of a notch within its shape, and bits of the mean left out. */
  readonly #start = new Int32Array(maxNotch + 1);
  readonly #dropped = new Uint8Array(maxNotch + 1);
  readonly #stride: number;
  /** By shape, found when first asked for. */
  readonly #largest: number[] = [];

  /** `tables`: shape by shape, notch by notch, mean by mean, own notches only. */
  constructor(tables: readonly Table[]) {
    this.shapes = tables.length / tablesPerShape;
    if (!Number.isInteger(this.shapes) || this.shapes < 1) {
      throw new BadInputError(
        'prior-table',
        `a bank has ${tablesPerShape} tables a shape, not ${tables.length} in all`,
      );
    }
    const all: Table[] = [];
    for (let shape = 0; shape < this.shapes; shape++) {
      const own = tables.slice(shape * tablesPerShape, (shape + 1) * tablesPerShape);
      all.push(...own);
      for (let notch = ownNotches; notch <= maxNotch; notch++) {
        const shift = Math.floor(notch / notchesPerOctave) - (octaves - 1);
        all.push({ ...own[tablesPerShape - notchesPerOctave + (notch % notchesPerOctave)]!, shift });
      }
    }
    this.#tables = all;
    this.#stride = all.length / this.shapes;
    let at = 0;
    for (let notch = 0; notch <= maxNotch; notch++) {
      const dropped = droppedMeanBits[Math.min(octaves - 1, Math.floor(notch / notchesPerOctave))]!;
      this.#start[notch] = at;
      this.#dropped[notch] = dropped;
      at += 1 << (meanBits - dropped);
    }
  }

  /** The table of a shape, notch (0..maxNotch) and mean (an integer, in 1/32); its values count from `offset`. */
  table(shape: number, notch: number, mean: number): Table {
    const dropped = this.#dropped[notch]!;
    const fraction = ((mean + ((1 << dropped) >> 1)) >> dropped) & ((1 << (meanBits - dropped)) - 1);
    return this.#tables[shape * this.#stride + this.#start[notch]! + fraction]!;
  }

  /** Largest frequency in the tables of a shape. */
  largestFrequency(shape: number): number {
    this.#largest[shape] ??= largestFrequencyOf(
      this.#tables.slice(shape * this.#stride, (shape + 1) * this.#stride),
    );
    return this.#largest[shape]!;
  }

  /** What `table` looks at: tables [shapes, perShape], those of notch n from `start[n]` on. */
  packed(): {
    readonly tables: readonly Table[];
    readonly perShape: number;
    readonly start: Int32Array;
    readonly dropped: Uint8Array;
  } {
    return {
      tables: this.#tables,
      perShape: this.#stride,
      start: this.#start.slice(),
      dropped: this.#dropped.slice(),
    };
  }

  /** The integer to add to the values of `table(shape, notch, mean)`. */
  offset(notch: number, mean: number): number {
    const dropped = this.#dropped[notch]!;
    const whole = (mean + ((1 << dropped) >> 1)) >> meanBits;
    // Buckets of 2^shift values are centred on the mean, too.
    return notch < ownNotches ? whole : whole - (1 << ((notch >> 3) - octaves));
  }
}

/** The tensors of a fresh bank, `prior.bank.*`. */
export function makeBank(
  shapes: readonly (readonly Component[])[] = shapeNames.map((name) => bankShapes[name]),
): Map<string, Tensor> {
  const tables = shapes.flatMap((shape) => {
    const list: Table[] = [];
    for (let notch = 0; notch < ownNotches; notch++) {
      const means = 1 << (meanBits - droppedMeanBits[Math.floor(notch / notchesPerOctave)]!);
      for (let i = 0; i < means; i++) list.push(discretise(shape, scaleOfNotch(notch), i / means));
    }
    return list;
  });
  const { frequencies, sizes, minima } = packTables(tables);
  return new Map([
    ['prior.bank.frequencies', tensor(frequencies)],
    ['prior.bank.sizes', tensor(sizes)],
    ['prior.bank.minima', tensor(minima)],
  ]);
}

/** What was read last: most models have the same bank, and one process reads several. */
let last: { readonly packed: PackedTables; readonly bank: TableBank } | undefined;

/** The bank of a model. Throws BadInputError `tensor-*` or `prior-table`. */
export function readBank(tensors: ReadonlyMap<string, Tensor>): TableBank {
  const sizes = takeTensor(tensors, 'prior.bank.sizes', 'U16');
  const minima = takeTensor(tensors, 'prior.bank.minima', 'I16', sizes.length);
  const frequencies = takeTensor(tensors, 'prior.bank.frequencies', 'U16');
  const packed = { frequencies, sizes, minima };
  if (last !== undefined && isSame(last.packed, packed)) return last.bank;
  const bank = new TableBank(unpackTables(packed, 'prior.bank', sizes.length));
  last = { packed: { frequencies: frequencies.slice(), sizes: sizes.slice(), minima: minima.slice() }, bank };
  return bank;
}

function isSame(a: PackedTables, b: PackedTables): boolean {
  return (['sizes', 'minima', 'frequencies'] as const).every(
    (name) => a[name].length === b[name].length && a[name].every((n, i) => n === b[name][i]),
  );
}

/** Integer table of a mixture at scale s and a mean in [0, 1). */
function discretise(shape: readonly Component[], s: number, mean: number): Table {
  const below = (x: number) =>
    shape.reduce(
      (sum, { weight, mean: m, scale }) => sum + weight * logistic((x - mean - m * s) / (scale * s)),
      0,
    );
  const above = (x: number) =>
    shape.reduce(
      (sum, { weight, mean: m, scale }) => sum + weight * logistic((mean + m * s - x) / (scale * s)),
      0,
    );
  let first = 0;
  while (below(first - 0.5) > tailMass) first--;
  let last = 0;
  while (above(last + 0.5) > tailMass) last++;
  const n = last - first + 2;
  const start = below(first - 0.5);
  const frequencies = new Uint16Array(n);
  let before = 0;
  for (let i = 0; i < n; i++) {
    const upTo = i === n - 1 ? 1 : below(first + i + 0.5) - start;
    const cumulated = Math.floor(upTo * (65536 - n) + 0.5) + i + 1;
    frequencies[i] = cumulated - before;
    before = cumulated;
  }
  return tableOf(frequencies, first);
}
