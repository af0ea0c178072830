/**
 * A uniform quantiser per channel, unbounded: the steps of quality 50 come with the model, and every ten points of
 * quality halve them. Dequantisation is exact arithmetic, so all decoders reconstruct the same modulation.
 */
import { exp2 } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';
import { forEachLevel, type ModulationLayout, ofEachNumber } from '../src/field/layout.ts';
import { maxSymbol, type Symbols } from './prior.ts';

export const minQuality = 1;
export const maxQuality = 100;

/** Steps [channels] at a quality: steps 2^((50 - quality) / 10). Throws BadInputError `quality`. */
export function stepsAt(steps: Float32Array, quality: number): Float64Array {
  checkQuality(quality);
  const factor = exp2((50 - quality) / 10);
  return Float64Array.from(steps, (step) => step * factor);
}

/** Throws BadInputError `quality` unless it is an integer from 1 to 100. */
export function checkQuality(quality: number): void {
  if (!Number.isInteger(quality) || quality < minQuality || quality > maxQuality) {
    throw new BadInputError(
      'quality',
      `quality is a whole number from ${minQuality} to ${maxQuality}, not ${quality}`,
    );
  }
}

/**
 * Nearest symbols [layout.length] of a modulation [layout.length], halves upwards; `steps` [channels of all levels].
 * Throws BadInputError `modulation` on numbers that are not finite, and `symbol-range` beyond +-maxSymbol.
 */
export function quantise(
  layout: ModulationLayout,
  modulation: Float32Array,
  steps: ArrayLike<number>,
): Int32Array {
  const symbols = new Int32Array(layout.length);
  quantiseInto(symbols, layout, modulation, steps);
  return symbols;
}

/** The same, a byte each where that holds each: a quarter of the memory. Throws as `quantise`. */
export function quantiseNarrow(
  layout: ModulationLayout,
  modulation: Float32Array,
  steps: ArrayLike<number>,
): Symbols {
  const symbols = new Int8Array(layout.length);
  return quantiseInto(symbols, layout, modulation, steps) ? symbols : quantise(layout, modulation, steps);
}

/** Whether the array holds all symbols as they are. */
function quantiseInto(
  symbols: Symbols,
  layout: ModulationLayout,
  modulation: Float32Array,
  steps: ArrayLike<number>,
): boolean {
  checkSizes(layout, modulation, steps);
  let isHeld = true;
  forEachLevel(layout, symbols, (from, to, { channels, first }) => {
    const own = Float64Array.from({ length: channels }, (_, c) => steps[first + c]!);
    for (let i = from, c = 0; i < to; i++) {
      const symbol = Math.floor(modulation[i]! / own[c]! + 0.5);
      if (!(symbol <= maxSymbol && symbol >= -maxSymbol)) throw outOfRange(modulation[i]!, i, symbol);
      symbols[i] = symbol;
      if (symbols[i] !== symbol) isHeld = false;
      if (++c === channels) c = 0;
    }
  });
  return isHeld;
}

/** Modulation [layout.length] of symbols [layout.length]. */
export function dequantise(
  layout: ModulationLayout,
  symbols: Symbols,
  steps: ArrayLike<number>,
): Float32Array {
  const modulation = new Float32Array(layout.length);
  dequantiseInto(modulation, layout, symbols, steps);
  return modulation;
}

/** The same in the memory of the symbols, which are gone then: those of a long signal are not held twice. */
export function dequantiseInPlace(
  layout: ModulationLayout,
  symbols: Int32Array,
  steps: ArrayLike<number>,
): Float32Array {
  const modulation = new Float32Array(symbols.buffer, symbols.byteOffset, symbols.length);
  dequantiseInto(modulation, layout, symbols, steps);
  return modulation;
}

function dequantiseInto(
  modulation: Float32Array,
  layout: ModulationLayout,
  symbols: Symbols,
  steps: ArrayLike<number>,
): void {
  checkSizes(layout, symbols, steps);
  forEachLevel(layout, modulation, (from, to, { channels, first }) => {
    const own = Float64Array.from({ length: channels }, (_, c) => steps[first + c]!);
    for (let i = from, c = 0; i < to; i++) {
      modulation[i] = symbols[i]! * own[c]!;
      if (++c === channels) c = 0;
    }
  });
}

/** The step of every number, [layout.length], from those of the channels. */
export function stepOfEach(layout: ModulationLayout, steps: ArrayLike<number>): Float64Array {
  checkSizes(layout, layout, steps);
  return ofEachNumber(layout, steps);
}

function outOfRange(value: number, i: number, symbol: number): BadInputError {
  if (!Number.isFinite(value)) return new BadInputError('modulation', `modulation[${i}] is ${value}`);
  return new BadInputError(
    'symbol-range',
    `modulation[${i}] is ${symbol} steps from 0, more than ${maxSymbol}; choose a lower quality`,
  );
}

function checkSizes(
  { length, channels }: ModulationLayout,
  given: { readonly length: number },
  steps: ArrayLike<number>,
): void {
  if (given.length === length && steps.length === channels) return;
  throw new BadInputError(
    'modulation',
    `a layout of ${length} symbols in ${channels} channels was given ${given.length} values and ${steps.length} steps`,
  );
}
