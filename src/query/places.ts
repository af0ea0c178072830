/** Points of many functions at once, whatever their sizes: places relative to the signal, values by the engine. */
import { AbortedError } from '../core/errors.ts';
import type { Engine, Points } from '../engine/engine.ts';
import type { BaseNetwork } from '../field/spec.ts';

/** [n, axes], each coordinate over the extent of its axis: 0 to 1 within a signal. */
export interface Places {
  readonly axes: number;
  readonly relative: Float64Array;
}

export interface Shaped {
  readonly shape: readonly number[];
  readonly modulation: Float32Array;
}

/** Functions whose values are asked for together. */
export const together = 256;

/** The same places as points of signals of each shape; made once a shape. */
export function pointsOf(places: Places): (shape: readonly number[]) => Points {
  const made = new Map<string, Points>();
  return (shape) => {
    const key = shape.join();
    const known = made.get(key);
    if (known !== undefined) return known;
    const coordinates = Float32Array.from(places.relative, (r, i) => r * shape[i % places.axes]!);
    const points: Points = { kind: 'list', coordinates };
    made.set(key, points);
    return points;
  };
}

/** Field values [points, outputs] of each function, as soon as `together` of them are there. Throws AbortedError. */
export async function* valuesAt<T extends Shaped>(
  { engine, network }: { readonly engine: Engine; readonly network: BaseNetwork },
  functions: Iterable<T>,
  points: (shape: readonly number[]) => Points,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly fn: T; readonly values: Float32Array }> {
  for (const group of groupsOf(functions, together)) {
    if (signal?.aborted) throw new AbortedError();
    const values = await Promise.all(
      group.map(({ shape, modulation }) => engine.evaluate(network, shape, modulation, points(shape))),
    );
    for (const [i, fn] of group.entries()) yield { fn, values: values[i]! };
  }
}

/** Runs of `size` items, the last one perhaps shorter. */
export function* groupsOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
