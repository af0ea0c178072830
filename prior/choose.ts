/**
 * Rate-distortion optimised quantisation as a coder: where an encoder would write the symbol it is given, this one
 * first asks what its neighbours, zero and the table's centre would cost, takes the best, and hands it back, so that
 * contexts of later symbols see the choice. Greedy: what a choice does to later tables is not looked at.
 */
import { bitsOf } from './cost.ts';
import type { SymbolCoder, Table } from './prior.ts';

export interface ChoiceOptions {
  /** [symbols]: the modulation in units of its steps, before rounding. */
  readonly targets: ArrayLike<number>;
  /** [symbols]: distortion of a squared deviation of one step from the target; in whatever unit lambda is for. */
  readonly weights: ArrayLike<number>;
  /** Distortion that one bit is worth. */
  readonly lambda: number;
}

/** Minimises weight (symbol - target)^2 + lambda bits, symbol by symbol. One per traversal. */
export class Chooser implements SymbolCoder {
  readonly #options: ChoiceOptions;
  #next = 0;
  /** Bits of what was chosen so far. */
  bitCount = 0;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  code(table: Table, offset: number, value: number): number {
    const { targets, weights, lambda } = this.#options;
    const target = targets[this.#next]!;
    const weight = weights[this.#next++]!;
    let best = value;
    let bits = bitsOf(table, offset, value);
    let cost = weight * (value - target) * (value - target) + lambda * bits;
    const consider = (symbol: number) => {
      const distortion = weight * (symbol - target) * (symbol - target);
      if (symbol === best || distortion >= cost) return;
      const asked = bitsOf(table, offset, symbol);
      if (distortion + lambda * asked >= cost) return;
      best = symbol;
      bits = asked;
      cost = distortion + lambda * asked;
    };
    consider(value - 1);
    consider(value + 1);
    consider(0);
    // The offset is the table's mean, rounded down (0 in a histogram).
    consider(offset);
    consider(offset + 1);
    this.bitCount += bits;
    return best;
  }
}
