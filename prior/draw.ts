/** Drawing symbols from a prior: a coder that takes random numbers where a decoder takes bytes. */
import { exp, log } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';
import type { Rng } from '../src/core/rng.ts';
import { TableCoder } from './coder.ts';

/**
 * Draws every symbol from its table with probabilities raised to the power 1 / temperature; 0 takes the likeliest.
 * The escape is never drawn: it stands for values that training hardly saw. The arithmetic is deterministic, so the
 * same model, seed and temperature give the same symbols on every machine.
 */
export class Sampler extends TableCoder {
  readonly #rng: Rng;
  readonly #temperature: number;
  readonly #tempered = new Map<Uint32Array, Float64Array>();

  /** Throws BadInputError `temperature` unless it is a finite number from 0 on. */
  constructor(rng: Rng, temperature = 1) {
    super();
    if (!(Number.isFinite(temperature) && temperature >= 0)) {
      throw new BadInputError('temperature', `a temperature is a number from 0 on, not ${temperature}`);
    }
    this.#rng = rng;
    this.#temperature = temperature;
  }

  protected symbol(cdf: Uint32Array): number {
    const last = cdf.length - 2;
    if (this.#temperature === 0) return likeliest(cdf, last);
    if (this.#temperature === 1) return upperBound(cdf, last, this.#rng.below(cdf[last]!));
    let sums = this.#tempered.get(cdf);
    if (sums === undefined) {
      sums = temper(cdf, last, this.#temperature);
      this.#tempered.set(cdf, sums);
    }
    return upperBound(sums, last, this.#rng.uniform() * sums[last]!);
  }

  bits(count: number): number {
    return this.#temperature === 0 ? 1 << (count - 1) : this.#rng.u32() >>> (32 - count);
  }
}

function likeliest(cdf: Uint32Array, last: number): number {
  let best = 0;
  for (let i = 1; i < last; i++) if (cdf[i + 1]! - cdf[i]! > cdf[best + 1]! - cdf[best]!) best = i;
  return best;
}

/** [last + 1]: running sums of frequency^(1 / temperature), scaled to the largest. */
function temper(cdf: Uint32Array, last: number, temperature: number): Float64Array {
  const sums = new Float64Array(last + 1);
  const mode = likeliest(cdf, last);
  const largest = log(cdf[mode + 1]! - cdf[mode]!);
  for (let i = 0; i < last; i++)
    sums[i + 1] = sums[i]! + exp((log(cdf[i + 1]! - cdf[i]!) - largest) / temperature);
  return sums;
}

/** The i < last with sums[i] <= x < sums[i + 1]. */
function upperBound(sums: Uint32Array | Float64Array, last: number, x: number): number {
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sums[middle]! <= x) low = middle;
    else high = middle;
  }
  return low;
}
