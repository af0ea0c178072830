/** Symbols of a large signal while its windows are fitted: packed window by window, and put together when they are worked on. */
import { packSymbols, unpackSymbols } from '../../prior/packed.ts';
import type { Symbols } from '../../prior/prior.ts';
import type { PartRun } from '../field/part.ts';
import { type FieldSpec, modulationLength } from '../field/spec.ts';
import { type FitWindow, ownRuns } from './windows.ts';

export class KeptSymbols {
  readonly #spec: FieldSpec;
  readonly #shape: readonly number[];
  readonly #parts: { readonly window: FitWindow; readonly length: number; readonly packed: Uint8Array }[] =
    [];
  #isNarrow = true;

  constructor(spec: FieldSpec, shape: readonly number[]) {
    this.#spec = spec;
    this.#shape = shape;
  }

  /** Keeps a window's own symbols of all that it has. */
  add(window: FitWindow, symbols: Int32Array): void {
    const own = new Int32Array(symbols.length);
    let length = 0;
    for (const run of this.#runs(window)) {
      own.set(symbols.subarray(run.at, run.at + run.length), length);
      length += run.length;
    }
    this.#isNarrow &&= own.every((symbol) => symbol >= -128 && symbol <= 127);
    this.#parts.push({ window, length, packed: packSymbols(own.subarray(0, length)) });
  }

  /** All of them, a byte each where that holds each; a fresh array. */
  together(): Symbols {
    const length = modulationLength(this.#spec, this.#shape);
    const all = this.#isNarrow ? new Int8Array(length) : new Int32Array(length);
    for (const { window, length: some, packed } of this.#parts) {
      const own = new Int32Array(some);
      unpackSymbols(packed, own);
      let at = 0;
      for (const run of this.#runs(window)) {
        all.set(own.subarray(at, at + run.length), run.whole);
        at += run.length;
      }
    }
    return all;
  }

  #runs(window: FitWindow): Iterable<PartRun> {
    return ownRuns(this.#spec, this.#shape, window);
  }
}
