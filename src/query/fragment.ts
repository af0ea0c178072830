/**
 * A fragment of a signal, and the place in another signal where it fits best: of all whole samples at which it lies within, around a circle at
 * all of them. Which place is best is found from sums over all places at once (`sliding.ts`), and how far it is from the values themselves.
 */
import type { ModelCard } from '../field/card.ts';
import { distanceUnit } from '../field/outputs.ts';
import { pointCount, unravel } from '../field/spec.ts';
import type { SampledPoints } from './sampling.ts';
import { SlidingPattern, type SlidingSums, slidingWork, type Turn } from './sliding.ts';

/** values: root mean square of the differences, in signal units; correlation: 1 - Pearson's, 0 for the same but for level and gain, 2 for its opposite. */
export type FragmentMetric = 'values' | 'correlation';

export interface Fragment {
  /** Samples along each axis. */
  readonly shape: readonly number[];
  /** Those that are known, by their indices in the shape, ascending; one at least. */
  readonly samples: readonly number[];
  /** [samples, outputs], on the scale of the card. */
  readonly values: Float32Array;
  readonly sampled: SampledPoints;
}

export interface FragmentPlace {
  readonly distance: number;
  /** First sample along each axis. */
  readonly start: readonly number[];
}

/** What a fragment is looked for in. */
export interface Searched {
  readonly shape: readonly number[];
  /** Whether its last axis goes around a circle. */
  readonly isRound: boolean;
}

/** Signals of a shape as rows in which a fragment can lie. */
interface Layout {
  readonly shape: readonly number[];
  /** Shape with what a circle repeats. */
  readonly extended: readonly number[];
  /** Places along each axis. */
  readonly starts: readonly number[];
  readonly laid: Laid;
}

/** The fragment as it lies in rows of signals that differ along their first axis alone. */
interface Laid {
  readonly strides: string;
  /** Of each value of the fragment, where it is in a row of values from its start on. */
  readonly offsets: Int32Array;
  readonly pattern: SlidingPattern;
}

/** Values that vary by less than this share of their squares are one value: float32 has no more digits. */
const nothing = 2 ** -46;
/** Rounding of a score itself. */
const rounding = 2 ** -50;

/** The score of the place at [i] of the moments where it is surely below `best`, else `best`. */
type Score = (i: number, best: number) => number;

export class FragmentSearch {
  readonly #card: Pick<ModelCard, 'spec' | 'outputs'>;
  readonly #fragment: Fragment;
  readonly #metric: FragmentMetric;
  /** Of the values of the fragment. */
  readonly #mean: number;
  /** [samples, outputs], without the mean. */
  readonly #centred: Float64Array;
  readonly #energy: number;
  #laid: Laid | undefined;

  constructor(card: Pick<ModelCard, 'spec' | 'outputs'>, fragment: Fragment, metric: FragmentMetric) {
    this.#card = card;
    this.#fragment = fragment;
    this.#metric = metric;
    const { values } = fragment;
    this.#mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    this.#centred = Float64Array.from(values, (v) => v - this.#mean);
    this.#energy = this.#centred.reduce((sum, v) => sum + v * v, 0);
  }

  /** Whether all values of the fragment are one: it correlates with nothing. */
  get isConstant(): boolean {
    return this.#energy <= nothing * this.#mean ** 2 * this.#centred.length;
  }

  /** Whether signals of this shape are at least as large as the fragment along every axis. */
  fits(shape: readonly number[]): boolean {
    return shape.every((n, axis) => n >= this.#fragment.shape[axis]!);
  }

  /** What looking through a signal of this shape takes: multiplications and additions, and the numbers of the row that the fragment lies over. */
  costIn(searched: Searched): { readonly work: number; readonly span: number } {
    const { outputs } = this.#card.spec;
    const { extended } = this.#extentIn(searched);
    const last = this.#fragment.shape.reduce((index, n, axis) => index * extended[axis]! + n - 1, 0);
    const span = (last + 1) * outputs;
    return { span, work: slidingWork(span, pointCount(extended) * outputs) };
  }

  /**
   * The best place in a signal that the fragment fits, whose values at its samples are `values` [points, outputs], on the scale of the card; undefined
   * where they are not finite. Of places that are equally good, as far as sums can tell, the first.
   */
  async placeIn(searched: Searched, values: Float32Array, turn: Turn): Promise<FragmentPlace | undefined> {
    const layout = await this.#layoutOf(searched, turn);
    const row = extend(values, layout, this.#card.spec.outputs);
    let energy = 0;
    for (let i = 0; i < row.length; i++) {
      row[i]! -= this.#mean;
      energy += row[i]! * row[i]!;
    }
    if (!Number.isFinite(energy)) return undefined;
    // A power of 2, which rounds nothing: sums of x and x^2 are to be of one size.
    const scale = energy === 0 ? 1 : 2 ** Math.round(Math.log2(energy / row.length) / 2);
    for (let i = 0; i < row.length; i++) row[i]! /= scale;
    const best = { score: Infinity, at: 0 };
    for await (const sums of layout.laid.pattern.slide(row, turn))
      this.#look(layout, sums, this.#scoreOf(sums, scale), best);
    const outputs = this.#card.spec.outputs;
    const start = unravel(layout.extended, best.at / outputs);
    return { distance: this.#distance(row, scale, layout.laid.offsets, best.at), start };
  }

  /** By the sums of a block: as far as rounding lets them tell. */
  #scoreOf({ moments, products, momentsOff, productsOff }: SlidingSums, scale: number): Score {
    const n = this.#centred.length;
    const own = this.#energy;
    if (this.#metric === 'values') {
      const off = scale * (scale * momentsOff + 2 * productsOff) + rounding * own;
      return (i, best) => {
        const found = scale * (scale * moments[i + 1]! - 2 * products[i]!) + own;
        return found + off < best ? found : best;
      };
    }
    return (i, best) => {
      const sum = moments[i]!;
      const variance = moments[i + 1]! - (sum * sum) / n;
      const varianceOff = momentsOff * (1 + (2 * Math.abs(sum)) / n);
      // Where nothing varies but by rounding, nothing is alike.
      if (variance <= varianceOff) return Math.min(1, best);
      const both = Math.sqrt(variance * own);
      const found = 1 - products[i]! / both;
      if (found >= best) return best;
      const off = productsOff / both + varianceOff / variance + rounding;
      return found + off < best ? found : best;
    };
  }

  /** The first of the best places among those of a block. */
  #look(
    { extended, starts }: Layout,
    { first, count }: SlidingSums,
    score: Score,
    best: { score: number; at: number },
  ): void {
    const { outputs } = this.#card.spec;
    const width = extended.at(-1)!;
    const end = Math.ceil((first + count) / outputs);
    for (let point = Math.ceil(first / outputs); point < end; ) {
      const line = Math.floor(point / width);
      const from = point - line * width;
      const until = Math.min(starts.at(-1)!, from + end - point);
      if (from < until && isStart(line, extended, starts)) {
        for (let x = from; x < until; x++) {
          const at = (line * width + x) * outputs;
          const found = score(2 * (at - first), best.score);
          if (found === best.score) continue;
          best.score = found;
          best.at = at;
        }
      }
      point = (line + 1) * width;
    }
  }

  /** Of the values themselves, those of the row times `scale`. */
  #distance(row: Float64Array, scale: number, offsets: Int32Array, at: number): number {
    const own = this.#centred;
    const n = own.length;
    let [sum, squares, difference] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = scale * row[at + offsets[i]!]!;
      sum += x;
      squares += x * x;
      difference += (x - own[i]!) ** 2;
    }
    if (this.#metric === 'values') return distanceUnit(this.#card.outputs) * Math.sqrt(difference / n);
    const mean = sum / n;
    let [variance, product] = [0, 0];
    for (let i = 0; i < n; i++) {
      const x = scale * row[at + offsets[i]!]! - mean;
      variance += x * x;
      product += own[i]! * x;
    }
    return variance <= nothing * squares
      ? 1
      : Math.min(2, Math.max(0, 1 - product / Math.sqrt(variance * this.#energy)));
  }

  #extentIn({ shape, isRound }: Searched): Omit<Layout, 'laid'> {
    const { shape: own } = this.#fragment;
    const isCircle = (axis: number) => isRound && axis === shape.length - 1;
    const extended = shape.map((n, axis) => (isCircle(axis) ? n + own[axis]! - 1 : n));
    const starts = shape.map((n, axis) => (isCircle(axis) ? n : n - own[axis]! + 1));
    return { shape, extended, starts };
  }

  async #layoutOf(searched: Searched, turn: Turn): Promise<Layout> {
    const extent = this.#extentIn(searched);
    // Kept: sounds of all lengths have one, and pictures of one size come one after another.
    const strides = extent.extended.slice(1).join();
    if (this.#laid?.strides !== strides) this.#laid = await this.#layIn(extent.extended, strides, turn);
    return { ...extent, laid: this.#laid };
  }

  async #layIn(extended: readonly number[], strides: string, turn: Turn): Promise<Laid> {
    const { shape, samples } = this.#fragment;
    const { outputs } = this.#card.spec;
    const offsets = new Int32Array(samples.length * outputs);
    samples.forEach((p, i) => {
      const point = unravel(shape, p).reduce((index, x, axis) => index * extended[axis]! + x, 0);
      for (let o = 0; o < outputs; o++) offsets[i * outputs + o] = point * outputs + o;
    });
    const length = offsets.at(-1)! + 1;
    const weights = new Float64Array(length);
    const known = new Float64Array(length);
    for (let i = 0; i < offsets.length; i++) {
      weights[offsets[i]!] = this.#centred[i]!;
      known[offsets[i]!] = 1;
    }
    return { strides, offsets, pattern: await SlidingPattern.of({ weights, known }, turn) };
  }
}

/** Whether a fragment may begin in this line of points along the last axis. */
function isStart(line: number, extended: readonly number[], starts: readonly number[]): boolean {
  let rest = line;
  for (let axis = extended.length - 2; axis >= 0; axis--) {
    const n = extended[axis]!;
    if (rest % n >= starts[axis]!) return false;
    rest = Math.floor(rest / n);
  }
  return true;
}

/** Fresh: values with the lines of a circle gone on for as far as a fragment may lie. */
function extend(values: Float32Array, { shape, extended }: Layout, outputs: number): Float64Array {
  const [own, whole] = [shape.at(-1)! * outputs, extended.at(-1)! * outputs];
  if (own === whole) return Float64Array.from(values);
  const lines = pointCount(shape) / shape.at(-1)!;
  const row = new Float64Array(lines * whole);
  for (let line = 0; line < lines; line++) {
    const from = values.subarray(line * own, (line + 1) * own);
    row.set(from, line * whole);
    row.set(from.subarray(0, whole - own), line * whole + own);
  }
  return row;
}
