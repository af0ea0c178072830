/** What was observed of a part of a signal, as values of the grid that an index of values knows. */
import type { Observed } from './observed.ts';
import type { RelativePoints } from './places.ts';
import { drawn } from './sampling.ts';

/** Samples of a part that are laid to those of the grid, at most. */
const maxPlaced = 4096;
/** Values of the grid that a part is looked up by, at most. */
const maxPartValues = 256;

/** Which of the grid's values are known, each with the mean of what was observed nearest to it. */
export function entriesOf(
  { places, values }: Observed,
  grid: RelativePoints,
  outputs: number,
): { entries: number[]; targets: number[] } {
  const { axes } = grid;
  const sums = new Map<number, { sum: Float64Array; n: number }>();
  const observed = Array.from({ length: values.length / outputs }, (_, i) => i);
  for (const i of drawn(observed, maxPlaced)) {
    const at = nearestPoint(grid, places.relative.subarray(i * axes, (i + 1) * axes));
    const known = sums.get(at) ?? { sum: new Float64Array(outputs), n: 0 };
    for (let o = 0; o < outputs; o++) known.sum[o]! += values[i * outputs + o]!;
    known.n++;
    sums.set(at, known);
  }
  const all = [...sums].sort(([a], [b]) => a - b);
  const stride = Math.max(1, Math.ceil((all.length * outputs) / maxPartValues));
  const entries: number[] = [];
  const targets: number[] = [];
  for (const [at, { sum, n }] of all.filter((_, i) => i % stride === 0)) {
    for (let o = 0; o < outputs; o++) {
      entries.push(at * outputs + o);
      targets.push(sum[o]! / n);
    }
  }
  return { entries, targets };
}

function nearestPoint({ axes, relative }: RelativePoints, x: Float64Array): number {
  let best = 0;
  let least = Infinity;
  for (let p = 0; p < relative.length / axes; p++) {
    let sum = 0;
    for (let a = 0; a < axes; a++) sum += (relative[p * axes + a]! - x[a]!) ** 2;
    if (sum < least) [least, best] = [sum, p];
  }
  return best;
}
