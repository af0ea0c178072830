/** Functions of one network brought to another: a network that changes with quality has no modulations in common with itself. */
import { AbortedError } from '../core/errors.ts';
import { atQuality } from '../field/at-quality.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import { adaptBatch } from '../fit/index.ts';
import { type FunctionSource, isSameNetwork } from './functions.ts';

/** A modulation, and the quality whose network it is of. */
export interface Placed {
  readonly shape: readonly number[];
  readonly quality: number;
  readonly modulation: Float32Array;
}

/** Points of fields that are fitted together. */
const pointsTogether = 2 ** 16;

/**
 * Modulations of the network at `quality`, in order: of those of another network the field is read at its samples and fitted
 * by the learnt steps. Throws AbortedError.
 */
export async function broughtTo<T extends Placed>(
  source: FunctionSource,
  functions: readonly T[],
  quality: number,
  signal?: AbortSignal,
): Promise<T[]> {
  const others = functions.filter((fn) => !isSameNetwork(source.model, fn.quality, quality));
  if (others.length === 0) return [...functions];
  const refitted = new Map<T, Float32Array>();
  for (const group of groupsOfOneField(source, others)) {
    if (signal?.aborted) throw new AbortedError();
    for (const [i, modulation] of (await refit(source, group, quality, signal)).entries())
      refitted.set(group[i]!, modulation);
  }
  return functions.map((fn) => {
    const modulation = refitted.get(fn);
    return modulation === undefined ? fn : { ...fn, modulation, quality };
  });
}

/** Modulations at `quality` of the fields of functions of one shape and network, those that have one of it already too. */
export async function refit(
  { model, engine }: FunctionSource,
  functions: readonly Placed[],
  quality: number,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const { shape, quality: own } = functions[0]!;
  const length = modulationLength(model.card.spec, shape);
  const modulations = joined(functions.map(({ modulation }) => modulation));
  const count = functions.length;
  const targets = await engine.evaluateMany(
    atQuality(model, own).network,
    { shape, count, modulations },
    coveringGrid(shape),
  );
  const { innerSteps } = model.card.training;
  const found = await adaptBatch(
    engine,
    atQuality(model, quality).network,
    { shape, count, targets },
    { steps: innerSteps, learntSteps: innerSteps, signal },
  );
  return functions.map((_, i) => found.modulations.slice(i * length, (i + 1) * length));
}

/** Runs of one shape and network, of not too many points. */
function* groupsOfOneField<T extends Placed>(
  { model }: FunctionSource,
  functions: readonly T[],
): Generator<T[]> {
  let group: T[] = [];
  for (const fn of functions) {
    const first = group[0];
    const joins =
      first === undefined ||
      (first.shape.join() === fn.shape.join() &&
        isSameNetwork(model, first.quality, fn.quality) &&
        (group.length + 1) * pointCount(fn.shape) <= pointsTogether);
    if (!joins) {
      yield group;
      group = [];
    }
    group.push(fn);
  }
  if (group.length > 0) yield group;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
