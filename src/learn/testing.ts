/** Small problems for the tests of this folder. */
import { Rng } from '../core/rng.ts';
import { pyramid } from '../field/presets.ts';
import type { Price } from '../fit/pricing.ts';
import { type SignalSource, sourceOf } from '../signal/source.ts';
import { presetRecipe } from './presets.ts';
import { type TrainingRecipe, withOverrides } from './recipe.ts';

export const tinySpec = pyramid({
  axes: 2,
  outputs: 1,
  width: 6,
  layers: 2,
  w0: 5,
  harmonics: 1,
  levels: [
    { cell: null, channels: 2 },
    { cell: 4, channels: 3 },
  ],
});

/** A run of a fraction of a second on the reference engine. */
export function tinyRecipe(overrides: Readonly<Record<string, unknown>> = {}): TrainingRecipe {
  const base = withOverrides(presetRecipe('fashion-mnist'), {
    name: 'tiny',
    spec: tinySpec,
    shape: [8, 8],
    steps: 12,
    batch: 4,
    innerSteps: 2,
    startRates: { probes: 8 },
    phases: { distortion: 4, rounded: 3, coded: 2 },
    coded: { refineTurns: 2, roundTurns: 2, priced: false },
    quality: { groups: 2 },
    optimiser: { warmupSteps: 2 },
    validation: { every: 6, signals: 4 },
    checkpointEvery: 2,
    reportEvery: 1,
  });
  return withOverrides(base, overrides);
}

/** Every symbol costs so many nats for each unit from zero. */
export function linearPrice(nats: number): Price {
  const cost = (symbol: number) => nats * Math.abs(symbol);
  return (symbols) => ({
    nats: symbols.reduce((sum, symbol) => sum + cost(symbol), 0),
    change: (_, from, to) => cost(to) - cost(from),
  });
}

/** Smooth random pictures of one channel in [0, 1]. */
export function waves(count: number, shape: readonly number[] = [8, 8], seed = 1): SignalSource {
  const rng = new Rng(seed);
  const [height, width] = shape as [number, number];
  const signals = Array.from({ length: count }, () => {
    const [a, b, c, d] = Array.from({ length: 4 }, () => rng.uniform()) as [number, number, number, number];
    const values = new Float32Array(height * width);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        values[y * width + x] = 0.5 + 0.4 * Math.sin(a * y + b * x + 6 * c) * (0.5 + d / 2);
      }
    }
    return { shape, values };
  });
  return sourceOf('waves', 1, signals);
}
