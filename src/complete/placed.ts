/** What is observed of a signal, put into its samples. */
import { pointCount } from '../field/spec.ts';
import type { Evidence } from './posterior.ts';

export interface Placed {
  readonly points: number;
  readonly outputs: number;
  /** [places]: the sample that each falls in. */
  readonly samples: Int32Array;
  /** Places of an observed value, which is the mean over them. */
  readonly group: number;
  /** [places / group, outputs]. */
  readonly values: Float64Array;
}

export function placed({ shape, coordinates, group, values }: Evidence): Placed {
  const axes = shape.length;
  const places = coordinates.length / axes;
  const samples = Int32Array.from({ length: places }, (_, place) =>
    shape.reduce((at, n, axis) => {
      const sample = Math.floor(coordinates[place * axes + axis]!);
      return at * n + Math.min(n - 1, sample);
    }, 0),
  );
  return { points: pointCount(shape), outputs: (values.length * group) / places, samples, group, values };
}

/** [points]: 1 where something is observed of a sample. */
export function seenSamples({ points, samples }: Placed): Float32Array {
  const seen = new Float32Array(points);
  for (const sample of samples) seen[sample] = 1;
  return seen;
}

/** Fields [count, points, outputs], in place: what an observed value is off by is added at its places, `share` of it. */
export function putInto(
  fields: Float32Array,
  { points, outputs, samples, group, values }: Placed,
  share = 1,
): Float32Array {
  for (let first = 0; first < fields.length; first += points * outputs) {
    for (let i = 0; i < values.length; i++) {
      const places = samples.subarray(Math.floor(i / outputs) * group, (Math.floor(i / outputs) + 1) * group);
      const at = (sample: number) => first + sample * outputs + (i % outputs);
      let sum = 0;
      for (const sample of places) sum += fields[at(sample)]!;
      const off = share * (values[i]! - sum / group);
      for (const sample of places) fields[at(sample)]! += off;
    }
  }
  return fields;
}
