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
}

/** A pattern made ready to slide along rows. */
export class SlidingPattern {
  readonly #fft: FFT;
  /** Places whose sums come together: half a block. */
  readonly #half: number;
  readonly #length: number;
  /** Spectra of the parts, [2 block] each. */
  readonly #weights: readonly Float64Array[];
  readonly #known: readonly Float64Array[];

  constructor({ weights, known }: Pattern) {
    this.#length = weights.length;
    let block = leastBlock;
    while (block < 2 * weights.length && block < mostBlock) block *= 4;
    this.#fft = new FFT(block);
    this.#half = block / 2;
    this.#weights = this.#spectraOf(weights);
    this.#known = this.#spectraOf(known);
  }

  /** The sums at all places where the pattern lies within `row`, in order, a block at a time; their arrays are written over by the next. */
  *slide(row: ArrayLike<number>): Generator<SlidingSums> {
    const half = this.#half;
    const parts = this.#weights.length;
    const places = row.length - this.#length + 1;
    const numbers = 4 * half;
    const moments = new Float64Array(numbers);
    const products = new Float64Array(numbers);
    const sums = new Float64Array(numbers);
    const room = new Float64Array(numbers);
    // Spectra of as many blocks of the row as the pattern has parts; that of block i is at i modulo them.
    const spectra = Array.from({ length: parts }, () => new Float64Array(numbers));
    let done = 0;
    for (let block = 0; block * half < places; block++) {
      for (; done < block + parts; done++) {
        fill(room, row, done * half);
        this.#fft.transform(spectra[done % parts]!, room);
      }
      const sumUnder = (pattern: readonly Float64Array[], target: Float64Array) => {
        sums.fill(0);
        for (let p = 0; p < parts; p++) addProduct(sums, spectra[(block + p) % parts]!, pattern[p]!);
        this.#fft.inverseTransform(target, sums);
      };
      sumUnder(this.#known, moments);
      sumUnder(this.#weights, products);
      const first = block * half;
      yield { first, count: Math.min(half, places - first), moments, products };
    }
  }

  #spectraOf(numbers: Float64Array): Float64Array[] {
    const half = this.#half;
    const room = new Float64Array(4 * half);
    return Array.from({ length: Math.ceil(numbers.length / half) }, (_, part) => {
      room.fill(0);
      const own = numbers.subarray(part * half, (part + 1) * half);
      for (let i = 0; i < own.length; i++) room[2 * i] = own[i]!;
      const spectrum = new Float64Array(4 * half);
      this.#fft.transform(spectrum, room);
      return spectrum;
    });
  }
}

/** A block of a row from `first` on as complex numbers x + i x^2; zeros after its end. */
function fill(room: Float64Array, row: ArrayLike<number>, first: number): void {
  for (let i = 0; i < room.length; i += 2) {
    const at = first + i / 2;
    const x = at < row.length ? row[at]! : 0;
    room[i] = x;
    room[i + 1] = x * x;
  }
}

/** Adds a times the conjugate of b to `sums`, complex numbers all. */
function addProduct(sums: Float64Array, a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < sums.length; i += 2) {
    sums[i]! += a[i]! * b[i]! + a[i + 1]! * b[i + 1]!;
    sums[i + 1]! += a[i + 1]! * b[i]! - a[i]! * b[i + 1]!;
  }
}
