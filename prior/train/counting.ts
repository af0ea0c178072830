/** Fits the histogram and factorized priors by counting training symbols at quality anchors. */
import { AbortedError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import { SymbolCounts } from '../counts.ts';
import { quantise, stepsAt } from '../quantiser.ts';
import type { ModulationSource } from './source.ts';

/** Qualities with tables of their own: 1, 5, 10, ..., 100. */
export const qualityAnchors: readonly number[] = [1, ...Array.from({ length: 20 }, (_, i) => 5 * (i + 1))];

/** Symbols counted for an anchor at most: a random part of the training set when it has more. */
const mostSymbols = 2 ** 20;
const orderStream = 3;

export interface CountingOptions {
  readonly source: ModulationSource;
  readonly training: number;
  readonly steps: Float32Array;
  readonly seed: number;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function countSymbols(options: CountingOptions): Promise<SymbolCounts> {
  const { source, training, steps, seed, onProgress, signal } = options;
  const counts = new SymbolCounts(steps.length);
  const order = new Rng(seed, orderStream).shuffle(Uint32Array.from({ length: training }, (_, i) => i));
  const stepsOf = qualityAnchors.map((quality) => stepsAt(steps, quality));
  let symbols = 0;
  for (let i = 0; i < training && symbols < mostSymbols; i++) {
    if (signal?.aborted) throw new AbortedError('training of the priors stopped while counting');
    const { modulation, layout, quality: own } = await source.at(order[i]!);
    if (own !== undefined) counts.add(layout, own, quantise(layout, modulation, stepsAt(steps, own)));
    else
      qualityAnchors.forEach((quality, a) => {
        counts.add(layout, quality, quantise(layout, modulation, stepsOf[a]!));
      });
    symbols += layout.length;
    if (i % 64 === 63) {
      onProgress?.(
        Math.min(symbols, mostSymbols),
        Math.min(mostSymbols, Math.ceil((symbols / (i + 1)) * training)),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return counts;
}
