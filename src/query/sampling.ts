/**
 * Which samples of a signal are looked at when a field is summed up: all of them, or, where fewer are asked for, as many as
 * asked, drawn without favour. A draw has one sample in each of as many equal runs of the samples, at a random place in it, so that
 * none is likelier than another and no column, row or period is passed over. It is the same draw every time.
 */
import { checkLimit } from '../core/limits.ts';
import { Rng } from '../core/rng.ts';
import type { Points } from '../engine/engine.ts';
import { pointCount, unravel } from '../field/spec.ts';
import type { Box } from '../signal/box.ts';
import { type BoxOptions, boxOf } from '../signal/region.ts';

/** What an answer says of it: so many samples were looked at, of so many that the question is about. */
export interface SampledPoints {
  readonly points: number;
  readonly of: number;
}

/** Values of one function that are held at once. */
export const maxHeld = 2 ** 24;
const seed = 1;

/** At most `most` of the items; all of them, in order, where `most` is not given. */
export function drawn(items: readonly number[], most: number | undefined): readonly number[] {
  if (most === undefined || items.length <= most) return items;
  const rng = new Rng(seed);
  const run = items.length / most;
  return Array.from({ length: most }, (_, i) => items[Math.floor((i + rng.uniform()) * run)]!);
}

/** The samples of a region of signals of any shape. */
export class RegionSamples {
  readonly #shape: readonly number[];
  /** In samples of the shape that it was given for; undefined: everything. */
  readonly region: Box | undefined;
  readonly #most: number | undefined;
  readonly #made = new Map<string, Points>();

  /**
   * `region` is in samples of `shape`, and stands for the same part of signals of other shapes; undefined: everything. At most
   * `most` samples are looked at. Throws BadInputError `bad-region`.
   */
  constructor(
    shape: readonly number[],
    region: Box | string | undefined,
    most: number | undefined,
    axes?: BoxOptions['axes'],
  ) {
    this.#shape = shape;
    this.region = region === undefined ? undefined : boxOf(region, shape, { owner: 'a signal', axes });
    this.#most = most;
  }

  /** Throws LimitError `limit-field-values` where they are too many to hold. */
  pointsOf(shape: readonly number[], outputs: number): Points {
    const { points: count } = this.sampledOf(shape);
    checkLimit('field-values', count * outputs, maxHeld, 'give a smaller region, or look at fewer `points`');
    return this.#made.get(shape.join()) ?? this.#make(shape);
  }

  sampledOf(shape: readonly number[]): SampledPoints {
    const of = this.#spans(shape).reduce((product, { length }) => product * length, 1);
    return { points: Math.min(of, this.#most ?? of), of };
  }

  #make(shape: readonly number[]): Points {
    const spans = this.#spans(shape);
    const { of } = this.sampledOf(shape);
    const chosen = drawn(
      Array.from({ length: of }, (_, i) => i),
      this.#most,
    );
    const lengths = spans.map(({ length }) => length);
    const coordinates = new Float32Array(chosen.length * shape.length);
    for (const [i, p] of chosen.entries()) {
      unravel(lengths, p).forEach((x, axis) => {
        coordinates[i * shape.length + axis] = spans[axis]!.first + x + 0.5;
      });
    }
    const points: Points = { kind: 'list', coordinates };
    this.#made.set(shape.join(), points);
    return points;
  }

  /** The samples along each axis whose middle is in the region; the one nearest to its middle where there are none. */
  #spans(shape: readonly number[]): { readonly first: number; readonly length: number }[] {
    const { region } = this;
    if (region === undefined) return shape.map((length) => ({ first: 0, length }));
    return shape.map((n, axis) => {
      const scale = n / this.#shape[axis]!;
      const start = region.start[axis]! * scale;
      const end = start + region.count[axis]! * scale;
      const first = Math.max(0, Math.ceil(start - 0.5));
      const length = Math.min(n, Math.ceil(end - 0.5)) - first;
      if (length >= 1) return { first, length };
      return { first: Math.min(n - 1, Math.floor((start + end) / 2)), length: 1 };
    });
  }
}

/** Sums of what several samplings look at. */
export function together(all: readonly SampledPoints[]): SampledPoints {
  return {
    points: all.reduce((sum, { points }) => sum + points, 0),
    of: all.reduce((sum, { of }) => sum + of, 0),
  };
}

/** Indices of all samples of a shape. */
export function allSamples(shape: readonly number[]): number[] {
  return Array.from({ length: pointCount(shape) }, (_, p) => p);
}
