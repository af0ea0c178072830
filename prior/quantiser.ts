/**
 * A uniform quantiser per channel, unbounded: the steps of quality 50 come with the model, and every ten points of
 * quality halve them. Dequantisation is exact arithmetic, so all decoders reconstruct the same modulation.
 */
import { exp2 } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';
import { pointCount } from '../src/field/spec.ts';
import { maxSymbol, type SymbolLayout } from './prior.ts';

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
  layout: SymbolLayout,
  modulation: Float32Array,
  steps: ArrayLike<number>,
): Int32Array {
  const symbols = new Int32Array(layout.length);
  forEachStep(layout, modulation.length, steps, (i, step) => {
    const symbol = Math.floor(modulation[i]! / step + 0.5);
    if (!Number.isFinite(modulation[i]!))
      throw new BadInputError('modulation', `modulation[${i}] is ${modulation[i]}`);
    if (symbol > maxSymbol || symbol < -maxSymbol) {
      throw new BadInputError(
        'symbol-range',
        `modulation[${i}] is ${symbol} steps from 0, more than ${maxSymbol}; choose a lower quality`,
      );
    }
    symbols[i] = symbol;
  });
  return symbols;
}

/** Modulation [layout.length] of symbols [layout.length]. */
export function dequantise(
  layout: SymbolLayout,
  symbols: Int32Array,
  steps: ArrayLike<number>,
): Float32Array {
  const modulation = new Float32Array(layout.length);
  forEachStep(layout, symbols.length, steps, (i, step) => {
    modulation[i] = symbols[i]! * step;
  });
  return modulation;
}

/** The step of every number, [layout.length], from those of the channels. */
export function stepOfEach(layout: SymbolLayout, steps: ArrayLike<number>): Float64Array {
  const all = new Float64Array(layout.length);
  forEachStep(layout, layout.length, steps, (i, step) => {
    all[i] = step;
  });
  return all;
}

function forEachStep(
  layout: SymbolLayout,
  given: number,
  steps: ArrayLike<number>,
  visit: (index: number, step: number) => void,
): void {
  const channels = layout.levels.reduce((sum, level) => sum + level.channels, 0);
  if (given !== layout.length || steps.length !== channels) {
    throw new BadInputError(
      'modulation',
      `a layout of ${layout.length} symbols in ${channels} channels was given ${given} values and ${steps.length} steps`,
    );
  }
  let index = 0;
  let channel = 0;
  for (const level of layout.levels) {
    const cells = pointCount(level.cells);
    for (let cell = 0; cell < cells; cell++) {
      for (let c = 0; c < level.channels; c++) visit(index++, steps[channel + c]!);
    }
    channel += level.channels;
  }
}
