/**
 * Other views of functions, to learn from: each is read at mirrored and shifted points, and what is read is adapted as a new
 * function. Functions are continuous, so shifts need not be whole samples; past the border the nearest point inside is read.
 */
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Engine } from '../engine/engine.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { adaptBatch } from '../fit/index.ts';

export interface ViewOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly seed: number;
  /** The last axis is mirrored. */
  readonly mirrored: boolean;
  /** Each axis is shifted by up to this share of its length, evenly drawn for every function. */
  readonly shift: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

const together = 32;

/** Modulations [count, m] of one view of modulations [count, m] of the model's own shape. Throws AbortedError. */
export async function viewsOf(modulations: Float32Array, options: ViewOptions): Promise<Float32Array> {
  const { model, engine, signal, mirrored, shift } = options;
  const { network, card } = model;
  const { shape, spec } = card;
  const length = modulationLength(spec, shape);
  const count = modulations.length / length;
  const samples = gridPositions(coveringGrid(shape));
  const perSignal = (samples.length / shape.length) * spec.outputs;
  const made = new Float32Array(modulations.length);
  const rng = new Rng(options.seed);
  for (let first = 0; first < count; first += together) {
    if (signal?.aborted) throw new AbortedError('making views stopped');
    const n = Math.min(together, count - first);
    const targets = new Float32Array(n * perSignal);
    for (let i = 0; i < n; i++) {
      const own = modulations.subarray((first + i) * length, (first + i + 1) * length);
      const offsets = shape.map((extent) => extent * shift * (2 * rng.uniform() - 1));
      const coordinates = moved(samples, shape, offsets, mirrored);
      const values = await engine.evaluate(network, shape, own, { kind: 'list', coordinates }, { signal });
      targets.set(values, i * perSignal);
    }
    const batch = { shape, count: n, targets };
    const { innerSteps } = card.training;
    const adapted = await adaptBatch(engine, network, batch, {
      steps: innerSteps,
      learntSteps: innerSteps,
      signal,
    });
    made.set(adapted.modulations, first * length);
    options.onProgress?.(first + n);
  }
  return made;
}

function moved(
  samples: Float64Array,
  shape: readonly number[],
  offsets: readonly number[],
  mirrored: boolean,
): Float32Array {
  const axes = shape.length;
  return Float32Array.from(samples, (x, i) => {
    const axis = i % axes;
    const extent = shape[axis]!;
    const from = mirrored && axis === axes - 1 ? extent - x : x;
    return Math.min(Math.max(from + offsets[axis]!, 0.5), extent - 0.5);
  });
}
