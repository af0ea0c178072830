/** What a file says beside its field: which values are missing, and what they are off. Laid over the rows that a field gives. */
import {
  decodeAffine,
  decodeMask,
  decodeNames,
  decodeResidual,
  decodeSigns,
  encodeAffine,
  encodeMask,
  encodeNames,
  type Section,
  sectionIds,
  sectionOf,
  withSections,
} from '../../codec/index.ts';
import { bitsPerPoint } from '../core/units.ts';
import type { Model } from '../field/model.ts';
import type { NamedOutput, OwnRange } from '../field/outputs.ts';
import { modelOver } from '../field/own-range.ts';
import { pointCount } from '../field/spec.ts';
import type { RowStream, Rows } from '../signal/rows.ts';
import { countMissing, heldOf, type Signal } from '../signal/signal.ts';
import type { GridPoints } from './between.ts';
import type { Encoded } from './types.ts';
import { withFacts } from './with-facts.ts';

/** Of the values of a signal, [points, channels], as coders see them. */
export function gridOfValues(shape: readonly number[], channels: number) {
  const columns = shape.at(-1)!;
  const slice = shape.length < 3 ? pointCount(shape) : pointCount(shape.slice(1));
  return { columns, channels, slice: slice * channels };
}

/** The mask of a signal; undefined where it has all its values. */
export function maskSection(signal: Signal): Section | undefined {
  const values = heldOf(signal);
  // Whole samples have no missing values, and values are not made for this.
  if (!(values instanceof Float32Array)) return undefined;
  const { shape, channels } = signal;
  if (countMissing(values) === 0) return undefined;
  const missing = Uint8Array.from(values, (v) => (Number.isNaN(v) ? 1 : 0));
  return { id: sectionIds.mask, bytes: encodeMask(missing, gridOfValues(shape, channels)) };
}

/**
 * What was coded of a signal, with the mask of its missing values, the ranges that it was taken over where these are its own, and other
 * sections that are given.
 */
export function besideSignal(
  encoded: Encoded,
  signal: Signal,
  {
    ranges,
    others,
  }: { readonly ranges: readonly OwnRange[] | undefined; readonly others: readonly Section[] },
): Encoded {
  const mask = maskSection(signal);
  const sections = [...(mask === undefined ? [] : [mask]), ...others];
  if (ranges !== undefined) sections.push(...sectionsOfRanges(ranges));
  if (sections.length === 0) return encoded;
  const bytes = withSections(encoded.bytes, sections);
  return withFacts(encoded, { bytes, bitsPerPoint: bitsPerPoint(bytes.length, pointCount(signal.shape)) });
}

function sectionsOfRanges(ranges: readonly OwnRange[]): Section[] {
  const affine = { id: sectionIds.affine, bytes: encodeAffine(ranges) };
  const named = ranges.flatMap(({ name, unit }): NamedOutput[] =>
    name === undefined ? [] : [{ name, unit }],
  );
  const bytes = named.length === ranges.length ? encodeNames(named) : undefined;
  return bytes === undefined ? [affine] : [affine, { id: sectionIds.names, bytes }];
}

/** The ranges that a file says its signal was taken over; undefined where it says none. Throws BadStreamError as `decodeAffine` and `decodeNames`. */
export function rangesBeside(
  sections: readonly Section[] | undefined,
  outputs: number,
): OwnRange[] | undefined {
  const bytes = sectionOf(sections, 'affine');
  if (bytes === undefined) return undefined;
  const named = sectionOf(sections, 'names');
  const names = named && decodeNames(named, outputs);
  return decodeAffine(bytes, outputs).map((range, o) => ({ ...range, ...names?.[o] }));
}

/** The model in the units of a file's signal. Throws as `rangesBeside`. */
export function modelBeside(model: Model, sections: readonly Section[] | undefined): Model {
  return modelOver(model, rangesBeside(sections, model.card.outputs.length));
}

/** Where the points of rows stand, and of what signal. */
export interface Placed {
  /** Of the signal. */
  readonly shape: readonly number[];
  readonly sections: readonly Section[] | undefined;
  /** All points of the rows. */
  readonly points: GridPoints;
}

/**
 * The rows with what the file says beside its field. A value is missing where that of the nearest sample is; what samples are off is
 * added at samples, where values have the signs that were kept, and between them the field stands for itself. Throws BadStreamError as `decodeMask`, `decodeResidual` and
 * `decodeSigns`, before the first row.
 */
export function rowsBeside(stream: RowStream, { shape, sections, points }: Placed): RowStream {
  const { channels } = stream;
  const grid = gridOfValues(shape, channels);
  const count = pointCount(shape) * channels;
  const maskBytes = sectionOf(sections, 'mask');
  const residualBytes = sectionOf(sections, 'residual');
  const missing = maskBytes && decodeMask(maskBytes, count, grid);
  const residual =
    residualBytes && isOfSamples(points) ? decodeResidual(residualBytes, count, grid) : undefined;
  const signBytes = sectionOf(sections, 'signs');
  const signs = signBytes && isOfSamples(points) ? decodeSigns(signBytes, count, grid) : undefined;
  if (missing === undefined && residual === undefined && signs === undefined) return stream;
  // For each axis the sample that each point of the rows is nearest to.
  const nearest = points.count.map((n, axis) =>
    Int32Array.from({ length: n }, (_, i) =>
      Math.min(shape[axis]! - 1, Math.max(0, Math.floor(points.start[axis]! + i * points.step[axis]!))),
    ),
  );
  const inRow = pointCount(points.count.slice(1));
  async function* rows(): AsyncIterable<Rows> {
    for await (const block of stream.rows) {
      const { start, values } = block;
      const own = values.length / channels;
      for (let p = 0; p < own; p++) {
        let rest = p + start * inRow;
        let at = 0;
        let stride = 1;
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          const n = points.count[axis]!;
          at += nearest[axis]![rest % n]! * stride;
          rest = Math.floor(rest / n);
          stride *= shape[axis]!;
        }
        for (let c = 0; c < channels; c++) {
          const [i, from] = [p * channels + c, at * channels + c];
          if (residual !== undefined) values[i] = values[i]! + residual.steps[c]! * residual.numbers[from]!;
          if (signs !== undefined) values[i] = onSide(values[i]!, signs.below[from]!, signs.near[c]!);
          if (missing?.[from] === 1) values[i] = Number.NaN;
        }
      }
      yield block;
    }
  }
  return { ...stream, rows: rows() };
}

/** A value, or as far from 0 as `near` on the side that it lay on. */
export function onSide(value: number, below: number, near: number): number {
  if (below === 1) return value < 0 ? value : -near;
  return value < 0 ? near : value;
}

function isOfSamples({ start, step }: GridPoints): boolean {
  return step.every((s) => s === 1) && start.every((x) => Number.isInteger(x - 0.5));
}
