/** Points of many functions at once, whatever their sizes: places relative to the signal, values by the engine. */
import { setImmediate } from 'node:timers/promises';
import { AbortedError, BugError } from '../core/errors.ts';
import type { Engine, Points } from '../engine/engine.ts';
import { pointsIn } from '../engine/points.ts';
import { atQuality } from '../field/at-quality.ts';
import { gridPositions } from '../field/coordinates.ts';
import type { Model } from '../field/model.ts';
import { fromField, type OwnRange, toField } from '../field/outputs.ts';
import { outputsOver } from '../field/own-range.ts';
import { modulationLength } from '../field/spec.ts';
import { BandPoints, isBanded } from '../session/band.ts';
import { isSameNetwork, putModulation } from '../session/functions.ts';
import { type SampledSignal, SampleField } from '../session/sample-field.ts';

/** [n, axes], each coordinate over the extent of its axis: 0 to 1 within a signal. */
export interface RelativePoints {
  readonly axes: number;
  readonly relative: Float64Array;
}

/** A function as queries ask it: by its modulation, or by the samples that it is. */
export type Shaped = Modulated | SampledSignal;

/** With the ranges that its signal was taken over, where these are its own. */
export type Ranged = Shaped & { readonly ranges?: readonly OwnRange[] | undefined };

export interface Modulated {
  readonly shape: readonly number[];
  /** Its modulation is one of the model's network at this quality. */
  readonly quality: number;
  readonly modulation: Float32Array;
  writeModulation?(target: Float32Array): void;
}

/** Functions whose values are asked for together, and the values of those, at most; one function may have more. */
export const together = 256;
export const heldValues = 2 ** 22;

/** The same places as points of signals of each shape; made once a shape. */
export function pointsOf(places: RelativePoints): (shape: readonly number[]) => Points {
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

/**
 * Field values [points, outputs] of each function by its own network or from its samples, views into those of up to `together` of
 * them. Throws AbortedError.
 */
export async function* valuesAt<T extends Shaped>(
  { engine, model }: { readonly engine: Engine; readonly model: Model },
  functions: Iterable<T>,
  points: (shape: readonly number[]) => Points,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly fn: T; readonly values: Float32Array }> {
  let room = takeRoom();
  // Of a sound, the samples that the points are drawn from.
  let band: { readonly asked: Points; readonly drawn: BandPoints } | undefined;
  try {
    for (const group of groupsOf(functions, together)) {
      for (const run of runsAlike(model, group)) {
        if (signal?.aborted) throw new AbortedError();
        if (areOfSamples(run)) {
          for (const fn of run) yield { fn, values: valuesOfSamples(model, fn, points(fn.shape)) };
          await setImmediate();
          continue;
        }
        const alike = run as readonly (T & Modulated)[];
        const { shape, quality } = alike[0]!;
        const { network } = atQuality(model, quality);
        const asked = points(shape);
        const isBetween = isBanded(model.card) && !areSamples(asked, shape);
        if (isBetween && band?.asked !== asked) band = { asked, drawn: bandPoints(asked, shape) };
        const drawn = isBetween ? band!.drawn : undefined;
        const at = drawn === undefined ? asked : samplesOf(drawn);
        const numbers = pointsIn(at, shape.length) * model.card.spec.outputs;
        const length = modulationLength(model.card.spec, shape);
        for (const some of groupsOf(alike, Math.max(1, Math.floor(heldValues / numbers)))) {
          if (signal?.aborted) throw new AbortedError();
          if (room.length < some.length * length) room = new Float32Array(some.length * length);
          const modulations = room.subarray(0, some.length * length);
          for (const [i, fn] of some.entries())
            putModulation(fn, modulations.subarray(i * length, (i + 1) * length));
          const signals = { shape, count: some.length, modulations };
          const values = await engine.evaluateMany(network, signals, at);
          const each = values.length / some.length;
          for (const [i, fn] of some.entries()) {
            const own = values.subarray(i * each, (i + 1) * each);
            yield { fn, values: drawn === undefined ? own : drawnFrom(drawn, own, model) };
          }
        }
      }
    }
  } finally {
    giveRoom(room);
  }
}

/** Numbers of the room that is kept for the next walk: a fresh one costs more than filling it. */
const keptRoom = 2 ** 20;
let spare: Float32Array | undefined;

/** Room for modulations, nobody else's until it is given back. */
function takeRoom(): Float32Array {
  const room = spare ?? new Float32Array(0);
  spare = undefined;
  return room;
}

function giveRoom(room: Float32Array): void {
  if (room.length <= keptRoom) spare = room;
}

function bandPoints(points: Points, [size]: readonly number[]): BandPoints {
  const coordinates = points.kind === 'list' ? points.coordinates : gridPositions(points);
  return new BandPoints(coordinates, size!, 'value');
}

/** Whether points are the samples of a signal themselves, between which nothing is drawn. */
function areSamples(points: Points, shape: readonly number[]): boolean {
  if (points.kind !== 'grid' || points.count.join() !== shape.join()) return false;
  return points.start.every((x) => x === 0.5) && points.step.every((x) => x === 1);
}

const samplesOf = ({ coordinates }: BandPoints): Points => ({ kind: 'list', coordinates });

function drawnFrom(points: BandPoints, samples: Float32Array, { card }: Model): Float32Array {
  return Float32Array.from(points.sum(samples, card.spec.outputs));
}

function valuesOfSamples(model: Model, fn: SampledSignal, points: Points): Float32Array {
  const { card } = model;
  return Float32Array.from(toField(card.outputs, new SampleField(card, fn).values(points)));
}

/**
 * As `valuesAt`, for comparing: on the scale of the card whatever range a function is over, so that a difference is one of signals. Fresh
 * arrays of functions over ranges of their own, views of the others. Throws AbortedError.
 */
export async function* valuesOnScale<T extends Ranged>(
  source: { readonly engine: Engine; readonly model: Model },
  functions: Iterable<T>,
  points: (shape: readonly number[]) => Points,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly fn: T; readonly values: Float32Array }> {
  const { outputs } = source.model.card;
  for await (const { fn, values } of valuesAt(source, functions, points, signal)) {
    const { ranges } = fn;
    if (ranges === undefined) yield { fn, values };
    else {
      const own = fromField(outputsOver(outputs, ranges), values);
      yield { fn, values: Float32Array.from(toField(outputs, own)) };
    }
  }
}

/** The same of one function. Throws AbortedError. */
export async function valuesOf(
  source: { readonly engine: Engine; readonly model: Model },
  fn: Ranged,
  points: (shape: readonly number[]) => Points,
  signal?: AbortSignal,
): Promise<Float32Array> {
  for await (const { values } of valuesOnScale(source, [fn], points, signal)) return values.slice();
  throw new BugError('one function has values');
}

/** Neighbours of one shape and one network; those of samples one by one. */
export function* runsAlike<T extends Shaped>(model: Model, functions: readonly T[]): Generator<T[]> {
  let run: T[] = [];
  for (const fn of functions) {
    const first = run[0];
    if (first !== undefined && !isAlike(model, first, fn)) {
      yield run;
      run = [];
    }
    run.push(fn);
  }
  if (run.length > 0) yield run;
}

function isAlike(model: Model, fn: Shaped, other: Shaped): boolean {
  if ('samples' in fn || 'samples' in other) return false;
  return fn.shape.join() === other.shape.join() && isSameNetwork(model, fn.quality, other.quality);
}

function areOfSamples<T extends Shaped>(run: readonly T[]): run is readonly (T & SampledSignal)[] {
  return 'samples' in run[0]!;
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
