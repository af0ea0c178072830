/** A functaset as a map: functions where their modulations stand along the two directions in which a sample of them differs most. */
import { principalAxes } from '../core/eigen.ts';
import { AbortedError } from '../core/errors.ts';
import type { Label, StoredFunction } from '../functaset/index.ts';
import { type ModulatedFunction, modulated, openFunctions } from '../session/functions.ts';
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

type Source = Pick<QueryContext, 'store' | 'model' | 'engine' | 'limits'>;

/** Functions that the directions are found from. */
const sampled = 384;
/** Turns in which the directions are found: enough that nothing moves on a screen. */
const rounds = 24;
/** Functions that are opened together. */
const together = 256;

/**
 * The map of at most `limit` functions. Functions of samples stand where their plain fit does; those of another size than the model's are
 * left out. Modulations are looked at one after the other and not held. Throws as `openFunctions`, AbortedError.
 */
export async function mapFunctions(
  source: Source,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<FunctasetMap> {
  const of = source.store.count;
  const stride = Math.max(1, Math.ceil(of / limit));
  // a part of what is drawn: its symbols are remembered, and not decoded again
  const ofSample = stride * Math.max(1, Math.ceil(of / stride / sampled));
  const sample: Float32Array[] = [];
  for await (const group of drawn(source, ofSample, signal))
    for (const { modulation } of group)
      if (sample.length === 0 || sample[0]!.length === modulation.length) sample.push(modulation);
  const directions = directionsOf(sample);
  const ids: string[] = [];
  const labels: (Label | null)[] = [];
  const places: number[] = [];
  const row = new Float32Array(directions.mean.length);
  for await (const group of drawn(source, stride, signal)) {
    for (const fn of group) {
      if (fn.modulation.length !== row.length) continue;
      row.set(fn.modulation);
      ids.push(fn.id);
      labels.push(fn.label ?? null);
      places.push(...placeOf(row, directions));
    }
  }
  return { ids, labels, points: scaled(places), share: directions.share, of };
}

/** Every function of so many, in order of ids; what is not drawn is not decoded. */
async function* drawn(
  { store, model, engine, limits }: Source,
  stride: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ModulatedFunction[]> {
  const options = { limits, signal, onDamaged: () => {} };
  const opened = async (page: readonly StoredFunction[]) =>
    modulated({ model, engine }, await openFunctions({ model, engine }, page, options), { signal });
  let page: StoredFunction[] = [];
  let i = 0;
  for (const fn of store.iterate({ onDamaged: () => {} })) {
    if (i++ % stride !== 0) continue;
    page.push(fn);
    if (page.length < together) continue;
    yield opened(page);
    page = [];
    if (signal?.aborted) throw new AbortedError();
  }
  if (page.length > 0) yield opened(page);
}

interface Directions {
  /** [m]. */
  readonly mean: Float64Array;
  /** Two of [m]; none where there is nothing to tell apart. */
  readonly axes: readonly Float32Array[];
  readonly share: number;
}

/** The mean, and the two principal axes. */
function directionsOf(rows: readonly Float32Array[]): Directions {
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

function placeOf(row: Float32Array, { mean, axes }: Directions): [number, number] {
  const place: [number, number] = [0, 0];
  axes.forEach((axis, k) => {
    let at = 0;
    for (let j = 0; j < row.length; j++) at += (row[j]! - mean[j]!) * axis[j]!;
    place[k] = at;
  });
  return place;
}

/** Along each direction from -1 to 1. */
function scaled(places: readonly number[]): Float32Array {
  const most = [0, 0];
  places.forEach((at, i) => {
    most[i % 2] = Math.max(most[i % 2]!, Math.abs(at));
  });
  return Float32Array.from(places, (at, i) => at / (most[i % 2]! || 1));
}
