/**
 * Learning the maps of an encoder: least squares over the blocks of all signals, with a ridge (A. Hoerl and R. Kennard, Technometrics 12(1), 1970). A map is
 * A + o B at o octaves of quality, so the normal equations of a signal are those of its inputs x at 1, o and o^2:
 *
 *   [ sum x x'    sum o x x'   ] [A]   [ sum x y'   ]
 *   [ sum o x x'  sum o^2 x x' ] [B] = [ sum o x y' ]
 *
 * Sums are in float64 over products in float32 of some hundred signals: the same whatever number of threads makes them.
 */
import { choleskyFactor } from '../core/cholesky.ts';
import { plainMultiply } from '../core/eigen.ts';
import { look } from '../core/look.ts';
import { type Tensor, takeTensor, tensor } from '../core/tensor.ts';
import type { Engine } from '../engine/engine.ts';
import { octavesAt } from '../field/at-quality.ts';
import { type EncoderPart, type EncoderShape, encoderShapes } from '../field/encoder.ts';
import { modulationLayout } from '../field/layout.ts';
import type { FieldSpec } from '../field/spec.ts';
import { forEachRun, type Seen, visitCells } from './predict.ts';

/** Of the mean square of an input: what keeps maps small along what signals hardly vary in. */
const ridge = 3e-4;

interface Sums {
  /** [inputs, inputs]: of x x' times 1, o and o^2; lower triangles are enough. */
  readonly grams: readonly Float64Array[];
  /** [inputs, outputs]: of x y' times 1 and o. */
  readonly crosses: readonly Float64Array[];
}

/** Normal equations of all parts. */
export class EncoderSums {
  readonly #spec: FieldSpec;
  readonly #shapes: readonly EncoderShape[];
  readonly #sums: readonly Sums[];

  /** Throws BadInputError `encoder-field`. */
  constructor(spec: FieldSpec) {
    this.#spec = spec;
    this.#shapes = encoderShapes(spec);
    this.#sums = this.#shapes.map(({ inputs, outputs }) => ({
      grams: [0, 1, 2].map(() => new Float64Array(inputs * inputs)),
      crosses: [0, 1].map(() => new Float64Array(inputs * outputs)),
    }));
  }

  /** Adds signals and their modulations [count, m], all of one quality. */
  add(engine: Pick<Engine, 'multiply'>, seen: Seen, modulations: Float32Array, quality: number): void {
    const multiply = engine.multiply ?? plainMultiply;
    const layout = modulationLayout(this.#spec, seen.shape);
    const octaves = octavesAt(quality);
    this.#shapes.forEach((part, p) => {
      const { inputs: k, outputs: n } = part;
      const { grams, crosses } = this.#sums[p]!;
      forEachRun(part, seen, (run, inputs) => {
        const { count } = run;
        const wanted = new Float32Array(count * n);
        const known = new Uint32Array(count);
        visitCells(part, layout, seen.shape, run, (at, from, length) => {
          wanted.set(modulations.subarray(at, at + length), from);
          known[Math.floor(from / n)]! += length;
        });
        // A block with cells beyond the signal says nothing of what they would be.
        for (let b = 0; b < count; b++) {
          if (known[b] === n) continue;
          inputs.fill(0, b * k, (b + 1) * k);
          wanted.fill(0, b * n, (b + 1) * n);
        }
        const gram = multiply(inputs, inputs, { m: k, n: k, k: count, transposeA: true });
        const cross = multiply(inputs, wanted, { m: k, n, k: count, transposeA: true });
        for (const [power, sum] of grams.entries()) addTo(sum, gram, octaves ** power);
        for (const [power, sum] of crosses.entries()) addTo(sum, cross, octaves ** power);
      });
    });
  }

  /** The maps that are best for all that was added. */
  solve(): EncoderPart[] {
    return this.#shapes.map((shape, p) => ({ ...shape, weights: solved(shape, this.#sums[p]!) }));
  }

  /** All sums, for a checkpoint. */
  tensors(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const [name, values] of this.#named()) all.set(name, tensor(values));
    return all;
  }

  /** Those of a checkpoint in place of its own. Throws BadInputError `tensor-*`. */
  restore(tensors: ReadonlyMap<string, Tensor>): void {
    for (const [name, values] of this.#named()) values.set(takeTensor(tensors, name, 'F64', values.length));
  }

  *#named(): Generator<[string, Float64Array]> {
    for (const [p, { grams, crosses }] of this.#sums.entries()) {
      for (const [power, sum] of grams.entries()) yield [`gram${p}.${power}`, sum];
      for (const [power, sum] of crosses.entries()) yield [`cross${p}.${power}`, sum];
    }
  }
}

function addTo(sum: Float64Array, values: Float32Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += factor * values[i]!;
}

/** [2, inputs, outputs]. */
function solved({ inputs: k, outputs: n }: EncoderShape, { grams, crosses }: Sums): Float32Array {
  const size = 2 * k;
  const matrix = new Float64Array(size * size);
  let trace = 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++)
      matrix[i * size + j] = grams[Number(i >= k) + Number(j >= k)]![(i % k) * k + (j % k)]!;
  for (let i = 0; i < k; i++) trace += matrix[i * size + i]!;
  const damping = (ridge * trace) / k || 1;
  for (let i = 0; i < size; i++) matrix[i * size + i]! += damping;
  const factor = choleskyFactor(matrix, size, damping);
  const x = new Float64Array(size * n);
  crosses.forEach((cross, power) => {
    x.set(cross, power * k * n);
  });
  // L z = b, then L' x = z.
  for (let i = 0; i < size; i++) {
    look();
    for (let j = 0; j < i; j++) subtract(x, i, j, n, factor[i * size + j]!);
    divide(x, i, n, factor[i * size + i]!);
  }
  for (let i = size - 1; i >= 0; i--) {
    look();
    divide(x, i, n, factor[i * size + i]!);
    for (let j = 0; j < i; j++) subtract(x, j, i, n, factor[i * size + j]!);
  }
  return Float32Array.from(x);
}

/** Row `to` less `factor` times row `from`, of n columns. */
function subtract(x: Float64Array, to: number, from: number, n: number, factor: number): void {
  for (let c = 0; c < n; c++) x[to * n + c]! -= factor * x[from * n + c]!;
}

function divide(x: Float64Array, row: number, n: number, by: number): void {
  for (let c = row * n; c < (row + 1) * n; c++) x[c]! /= by;
}
