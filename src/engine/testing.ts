/** Random networks, batches and points for the tests of engines: every value follows from a seed. */
import { initialWeights } from '../field/initialise.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  modulationLength,
  pointCount,
  totalChannels,
} from '../field/spec.ts';
import type { Batch } from './engine.ts';

/** Numbers in [0, 1) from a seed (mulberry32): enough for test data, and free of everything under test. */
export function uniformFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** [n], uniform in [-bound, bound). */
export function randomFloats(n: number, bound: number, uniform: () => number): Float32Array {
  return Float32Array.from({ length: n }, () => (2 * uniform() - 1) * bound);
}

/** A network as learning starts from it, with `rows` of rates in [rate / 2, rate * 3 / 2). */
export function randomNetwork(spec: FieldSpec, rate: number, uniform: () => number, rows = 1): BaseNetwork {
  const weights = initialWeights(spec, uniform);
  const rates = Float32Array.from({ length: rows * totalChannels(spec) }, () => rate * (0.5 + uniform()));
  return { spec, weights, rates };
}

/** Targets in [-1, 1); where `masked`, weights of which about a third are 0. */
export function randomBatch(
  spec: FieldSpec,
  shape: readonly number[],
  count: number,
  masked: boolean,
  uniform: () => number,
): Batch {
  const points = count * pointCount(shape);
  const targets = randomFloats(points * spec.outputs, 1, uniform);
  if (!masked) return { shape, count, targets };
  return {
    shape,
    count,
    targets,
    weights: Float32Array.from({ length: points }, () => Math.max(0, 1.5 * uniform() - 0.5)),
  };
}

/** [count, m]. */
export function randomModulations(
  spec: FieldSpec,
  shape: readonly number[],
  count: number,
  bound: number,
  uniform: () => number,
): Float32Array {
  return randomFloats(count * modulationLength(spec, shape), bound, uniform);
}
