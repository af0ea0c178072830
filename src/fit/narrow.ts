/** Symbols of a large signal, a byte each: nearly all are small, and those that are not stand beside. */

import type { Symbols } from '../../prior/prior.ts';

/** Stands for a symbol that a byte does not hold. */
const beyond = -128;

export class NarrowSymbols {
  readonly #bytes: Int8Array;
  readonly #others = new Map<number, number>();

  /** All zero. */
  constructor(length: number) {
    this.#bytes = new Int8Array(length);
  }

  /** Writes `symbols` from index `at` on. */
  set(symbols: Int32Array, at: number): void {
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i]!;
      const isNarrow = symbol > beyond && symbol <= 127;
      this.#bytes[at + i] = isNarrow ? symbol : beyond;
      if (!isNarrow) this.#others.set(at + i, symbol);
    }
  }

  /** As they are held, where a byte holds each; else as `wide`. */
  get symbols(): Symbols {
    return this.#others.size === 0 ? this.#bytes : this.wide();
  }

  /** All of them; a fresh array. */
  wide(): Int32Array {
    const symbols = new Int32Array(this.#bytes.length);
    this.read(0, symbols);
    return symbols;
  }

  /** Those from index `at` on into `symbols`. */
  read(at: number, symbols: Int32Array): void {
    for (let i = 0; i < symbols.length; i++) {
      const byte = this.#bytes[at + i]!;
      symbols[i] = byte === beyond ? this.#others.get(at + i)! : byte;
    }
  }
}
