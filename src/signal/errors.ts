/** How far decoded values are from a signal, by what the card of the model says its values are. */
import { BadInputError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import { pointCount } from '../field/spec.ts';
import type { RowStream } from './rows.ts';
import { heldOf, perUnitOf, type Signal, type WholeSamples } from './signal.ts';
import { weightsOf } from './weights.ts';

/** Errors over the points where a signal has all its values, each as much as its point counts. */
export interface SignalError {
  /** Mean of (error / peak)^2 over points and outputs: PSNR is -10 log10 of it. */
  readonly mse: number;
  /** Root mean square of each output, in its unit. */
  readonly rmse: readonly number[];
  /** Largest absolute error of each output, in its unit; points of weight 0 left out. */
  readonly maxError: readonly number[];
}

/** Errors of decoded values [points, outputs]. Throws BadInputError `mse-empty` when no point has a value. */
export function errorAgainst(card: ModelCard, signal: Signal, decoded: Float32Array): SignalError {
  const sums = new ErrorSums(card, signal);
  sums.add(0, decoded);
  return sums.mean();
}

/** Errors of rows as they come, of which one block at a time is in memory. Throws as `errorAgainst`. */
export async function errorOfRows(
  card: ModelCard,
  signal: Signal,
  { rows }: RowStream,
): Promise<SignalError> {
  const rowValues = heldOf(signal).length / signal.shape[0]!;
  const sums = new ErrorSums(card, signal);
  for await (const { start, values } of rows) sums.add(start * rowValues, values);
  return sums.mean();
}

class ErrorSums {
  readonly #values: Float32Array | WholeSamples;
  readonly #perUnit: number;
  readonly #weights: Float32Array | undefined;
  readonly #perPeak: Float64Array;
  readonly #squares: Float64Array;
  readonly #most: Float64Array;
  #sum = 0;
  #mass = 0;

  constructor(card: ModelCard, signal: Signal) {
    const { outputs } = card;
    this.#values = heldOf(signal);
    this.#perUnit = perUnitOf(this.#values);
    this.#weights = weightsOf(card, signal);
    this.#perPeak = Float64Array.from(outputs, ({ peak }) => 1 / peak);
    this.#squares = new Float64Array(outputs.length);
    this.#most = new Float64Array(outputs.length);
  }

  /** `from`: index of the first of these values in the signal. */
  add(from: number, decoded: Float32Array): void {
    const values = this.#values;
    const perUnit = this.#perUnit;
    const perPeak = this.#perPeak;
    const outputs = perPeak.length;
    const off = new Float64Array(outputs);
    for (let i = 0; i < decoded.length; i += outputs) {
      let own = 0;
      for (let o = 0; o < outputs; o++) {
        const d = decoded[i + o]! - Math.fround(values[from + i + o]! / perUnit);
        off[o] = d;
        own += d * perPeak[o]! * (d * perPeak[o]!);
      }
      const weight = this.#weights === undefined ? 1 : this.#weights[(from + i) / outputs]!;
      // A point with a value missing drops out.
      if (Number.isNaN(own) || weight === 0) continue;
      this.#sum += weight * own;
      this.#mass += weight * outputs;
      for (let o = 0; o < outputs; o++) {
        const d = off[o]!;
        this.#squares[o]! += weight * d * d;
        if (Math.abs(d) > this.#most[o]!) this.#most[o] = Math.abs(d);
      }
    }
  }

  mean(): SignalError {
    if (this.#mass === 0)
      throw new BadInputError('mse-empty', 'no point has a value, so there is no error to measure');
    const perOutput = this.#mass / this.#squares.length;
    return {
      mse: this.#sum / this.#mass,
      rmse: Array.from(this.#squares, (sum) => Math.sqrt(sum / perOutput)),
      maxError: [...this.#most],
    };
  }
}

/** Throws BadInputError `bad-weight` unless there is one finite weight of 0 or more for each point, and one above 0. */
export function checkWeights({ id, shape, weights }: Pick<Signal, 'id' | 'shape' | 'weights'>): void {
  if (weights === undefined) return;
  const points = pointCount(shape);
  const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (weights.length === points && bad < 0 && weights.some((weight) => weight > 0)) return;
  const fault =
    weights.length !== points
      ? `${weights.length} weights for ${points} points`
      : bad < 0
        ? 'weights that are all 0'
        : `a weight of ${weights[bad]} at point ${bad}`;
  throw new BadInputError(
    'bad-weight',
    `${id} has ${fault}; give one finite weight of 0 or more for each point`,
  );
}
