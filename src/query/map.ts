/** A functaset as a map: functions where their modulations stand along the two directions in which a sample of them differs most. */
import { principalAxes } from '../core/eigen.ts';
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
/** Turns in which the directions are found: enough that nothing moves on a screen. */
const rounds = 24;

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

/** The mean, and the two principal axes. */
function directionsOf(rows: readonly Float32Array[]) {
  const m = rows[0]?.length ?? 0;
  const mean = new Float64Array(m);
  for (const row of rows) for (let j = 0; j < m; j++) mean[j]! += row[j]! / rows.length;
  if (rows.length === 0) return { mean, axes: [], share: 1 };
  const centred = new Float32Array(rows.length * m);
  for (const [r, row] of rows.entries()) for (let j = 0; j < m; j++) centred[r * m + j] = row[j]! - mean[j]!;
  const { axes, variances } = principalAxes(centred, m, 2, { rounds });
  const total = centred.reduce((sum, value) => sum + value * value, 0) / rows.length;
  const share = total === 0 ? 1 : (variances[0]! + variances[1]!) / total;
  return { mean, axes: [axes.subarray(0, m), axes.subarray(m, 2 * m)], share };
}

function placed(
  rows: readonly Float32Array[],
  mean: Float64Array,
  axes: readonly Float32Array[],
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
