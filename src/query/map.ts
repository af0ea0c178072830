/** A functaset as a map: functions where their modulations stand along the two directions in which a sample of them differs most. */
import { AbortedError } from '../core/errors.ts';
import type { Label } from '../functaset/index.ts';
import { modulated, openStored } from '../session/functions.ts';
import type { QueryContext } from './types.ts';

export interface FunctasetMap {
  readonly ids: readonly string[];
  readonly labels: readonly (Label | null)[];
  /** [n, 2]: from -1 to 1. */
  readonly points: Float32Array;
  /** Part of the variance of the sample that lies along the two directions. */
  readonly share: number;
  /** Functions of the functaset, of which these are an even draw. */
  readonly of: number;
}

/** Functions that the directions are found from. */
const sampled = 384;
/** Turns of the subspace iteration: enough that nothing moves on a screen. */
const turns = 24;

/**
 * The map of at most `limit` functions. Functions of samples stand where their plain fit does; those of another size than the model's are
 * left out. Throws as `openFunctions`, AbortedError.
 */
export async function mapFunctions(
  { store, model, engine, limits }: Pick<QueryContext, 'store' | 'model' | 'engine' | 'limits'>,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<FunctasetMap> {
  const of = store.count;
  const stride = Math.max(1, Math.ceil(of / limit));
  const ids: string[] = [];
  const labels: (Label | null)[] = [];
  const rows: Float32Array[] = [];
  let i = 0;
  for await (const group of openStored({ model, engine }, store, {
    limits,
    signal,
    onDamaged: () => {},
  })) {
    const wanted = group.filter(() => i++ % stride === 0);
    for (const { id, label, modulation } of await modulated({ model, engine }, wanted, { signal })) {
      if (rows.length > 0 && rows[0]!.length !== modulation.length) continue;
      ids.push(id);
      labels.push(label ?? null);
      rows.push(modulation);
    }
    if (signal?.aborted) throw new AbortedError();
  }
  const { mean, axes, share } = directionsOf(evenly(rows, sampled));
  return { ids, labels, points: placed(rows, mean, axes), share, of };
}

function evenly<T>(all: readonly T[], most: number): T[] {
  const stride = Math.max(1, Math.ceil(all.length / most));
  return all.filter((_, i) => i % stride === 0);
}

/** The mean, and the two principal axes by subspace iteration (Golub and Van Loan, 8.2.4). */
function directionsOf(rows: readonly Float32Array[]) {
  const m = rows[0]?.length ?? 0;
  const mean = new Float64Array(m);
  for (const row of rows) for (let j = 0; j < m; j++) mean[j]! += row[j]! / rows.length;
  const centred = rows.map((row) => Float64Array.from(row, (value, j) => value - mean[j]!));
  // Begins with rows themselves: they have no direction that the data has not.
  const axes = [0, 1].map(
    (k) => centred[Math.floor((k * centred.length) / 2)]?.slice() ?? new Float64Array(m),
  );
  let along = [0, 0];
  for (let turn = 0; turn <= turns; turn++) {
    orthonormal(axes);
    const products = axes.map((axis) => centred.map((row) => dot(row, axis)));
    along = products.map((values) => values.reduce((sum, value) => sum + value * value, 0));
    if (turn === turns) break;
    axes.forEach((axis, k) => {
      axis.fill(0);
      centred.forEach((row, r) => {
        const by = products[k]![r]!;
        for (let j = 0; j < m; j++) axis[j]! += by * row[j]!;
      });
    });
  }
  const total = centred.reduce((sum, row) => sum + dot(row, row), 0);
  return { mean, axes, share: total === 0 ? 1 : (along[0]! + along[1]!) / total };
}

function orthonormal(axes: readonly Float64Array[]): void {
  axes.forEach((axis, k) => {
    for (const before of axes.slice(0, k)) {
      const by = dot(axis, before);
      for (let j = 0; j < axis.length; j++) axis[j]! -= by * before[j]!;
    }
    const length = Math.sqrt(dot(axis, axis));
    for (let j = 0; j < axis.length; j++) axis[j]! = length < 1e-12 ? 0 : axis[j]! / length;
  });
}

function placed(
  rows: readonly Float32Array[],
  mean: Float64Array,
  axes: readonly Float64Array[],
): Float32Array {
  const points = new Float32Array(2 * rows.length);
  const most = [0, 0];
  rows.forEach((row, i) => {
    axes.forEach((axis, k) => {
      let at = 0;
      for (let j = 0; j < row.length; j++) at += (row[j]! - mean[j]!) * axis[j]!;
      points[2 * i + k] = at;
      most[k] = Math.max(most[k]!, Math.abs(at));
    });
  });
  for (let i = 0; i < points.length; i++) points[i] = points[i]! / (most[i % 2]! || 1);
  return points;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}
