/**
 * Sums of a long row of numbers under a shorter one at every place, by the Fourier transform: what matching by squared differences and by
 * correlation takes (MASS: A. Mueen et al., 2017; normalised cross-correlation: J. P. Lewis, 1995). The row is read in blocks and the
 * pattern cut into parts of a block (partitioned convolution), so that one step is short and memory that of a few patterns, however long
 * the row. All in float64.
 *
 * Indices of hot loops are below the lengths of arrays.
 */
import FFT from 'fft.js';

/** Numbers of a block at most and at least; powers of 4, which are fastest. */
const mostBlock = 2 ** 14;
const leastBlock = 2 ** 12;
/** Parts of a pattern between two turns: some milliseconds. */
const partsPerTurn = 16;
/** What rounding makes of a sum of products is below this share of the norms of both: sums were found to be off by a third of it at most. */
const rounding = 2 ** -50;

/** What slides: `weights` at some places, `known` 1 there and 0 elsewhere; [length] both. */
export interface Pattern {
  readonly weights: Float64Array;
  readonly known: Float64Array;
}

/** Sums at places `first`, `first + 1`... of the row x, over the places p that are known. */
export interface SlidingSums {
  readonly first: number;
  readonly count: number;
  /** sum x, and sum x^2: [2 i] and [2 i + 1] of the place first + i. */
  readonly moments: Float64Array;
  /** sum w x: [2 i] of the place first + i. */
  readonly products: Float64Array;
  /** How far a moment and a product may be off by rounding: by what lies in these blocks of the row alone. */
  readonly momentsOff: number;
  readonly productsOff: number;
}

/** Called between steps of a few milliseconds. */
export type Turn = () => Promise<void>;

/** A pattern made ready to slide along rows. Numbers of rows are to be about 1: x and x^2 are rounded together. */
export class SlidingPattern {
  readonly #fft: FFT;
  /** Places whose sums come together: half a block. */
  readonly #half: number;
  readonly #length: number;
  /** Spectra of the parts, [2 block] each. */
  readonly #weights: readonly Float64Array[];
  readonly #known: readonly Float64Array[];
  readonly #norms: { readonly weights: number; readonly known: number };

  private constructor(
    fft: FFT,
    { weights, known }: Pattern,
    spectra: { readonly weights: readonly Float64Array[]; readonly known: readonly Float64Array[] },
  ) {
    this.#fft = fft;
    this.#half = fft.size / 2;
    this.#length = weights.length;
    this.#weights = spectra.weights;
    this.#known = spectra.known;
    this.#norms = { weights: normOf(weights), known: normOf(known) };
  }

  static async of(pattern: Pattern, turn: Turn): Promise<SlidingPattern> {
    const fft = new FFT(blockOf(pattern.weights.length));
    const weights = await spectraOf(fft, pattern.weights, turn);
    const known = await spectraOf(fft, pattern.known, turn);
    return new SlidingPattern(fft, pattern, { weights, known });
  }

  /** The sums at all places where the pattern lies within `row`, in order, a block at a time; their arrays are written over by the next. */
  async *slide(row: ArrayLike<number>, turn: Turn): AsyncGenerator<SlidingSums> {
    const half = this.#half;
    const parts = this.#weights.length;
    const places = row.length - this.#length + 1;
    const numbers = 4 * half;
    const moments = new Float64Array(numbers);
    const products = new Float64Array(numbers);
    const sums = new Float64Array(numbers);
    const room = new Float64Array(numbers);
    // Spectra of as many blocks of the row as the pattern has parts, and the energies of these; those of block i are at i modulo them.
    const spectra = Array.from({ length: parts }, () => new Float64Array(numbers));
    const energies = new Float64Array(parts);
    let done = 0;
    for (let block = 0; block * half < places; block++) {
      for (; done < block + parts; done++) {
        energies[done % parts] = fill(room, row, done * half);
        this.#fft.transform(spectra[done % parts]!, room);
        if (done % partsPerTurn === 0) await turn();
      }
      const sumUnder = async (pattern: readonly Float64Array[], target: Float64Array) => {
        sums.fill(0);
        for (let p = 0; p < parts; p++) {
          addProduct(sums, spectra[(block + p) % parts]!, pattern[p]!);
          if (p % partsPerTurn === partsPerTurn - 1) await turn();
        }
        this.#fft.inverseTransform(target, sums);
      };
      await sumUnder(this.#known, moments);
      await sumUnder(this.#weights, products);
      const first = block * half;
      const off = rounding * Math.sqrt(energies.reduce((sum, energy) => sum + energy, 0));
      yield {
        ...{ first, count: Math.min(half, places - first), moments, products },
        ...{ momentsOff: off * this.#norms.known, productsOff: off * this.#norms.weights },
      };
      await turn();
    }
  }
}

/** Multiplications and additions of a pattern that slides along a row, about. */
export function slidingWork(length: number, row: number): number {
  const block = blockOf(length);
  const blocks = Math.ceil(Math.max(0, row - length + 1) / (block / 2));
  // Two products of complex numbers under each part, and three transforms.
  return blocks * block * (8 * Math.ceil((2 * length) / block) + 6 * Math.log2(block));
}

function blockOf(length: number): number {
  let block = leastBlock;
  while (block < 2 * length && block < mostBlock) block *= 4;
  return block;
}

async function spectraOf(fft: FFT, numbers: Float64Array, turn: Turn): Promise<Float64Array[]> {
  const half = fft.size / 2;
  const room = new Float64Array(4 * half);
  const spectra: Float64Array[] = [];
  for (let first = 0; first < numbers.length; first += half) {
    room.fill(0);
    const own = numbers.subarray(first, first + half);
    for (let i = 0; i < own.length; i++) room[2 * i] = own[i]!;
    const spectrum = new Float64Array(4 * half);
    fft.transform(spectrum, room);
    spectra.push(spectrum);
    if (spectra.length % partsPerTurn === 0) await turn();
  }
  return spectra;
}

function normOf(numbers: Float64Array): number {
  return Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
}

/** A block of a row from `first` on as complex numbers x + i x^2; zeros after its end. The sum of their squares. */
function fill(room: Float64Array, row: ArrayLike<number>, first: number): number {
  let energy = 0;
  for (let i = 0; i < room.length; i += 2) {
    const at = first + i / 2;
    const x = at < row.length ? row[at]! : 0;
    room[i] = x;
    room[i + 1] = x * x;
    energy += x * x + x * x * (x * x);
  }
  return energy;
}

/** Adds a times the conjugate of b to `sums`, complex numbers all. */
function addProduct(sums: Float64Array, a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < sums.length; i += 2) {
    sums[i]! += a[i]! * b[i]! + a[i + 1]! * b[i + 1]!;
    sums[i + 1]! += a[i + 1]! * b[i]! - a[i]! * b[i + 1]!;
  }
}
