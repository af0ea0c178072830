/** Signals as streams of rows: memory is that of one block, however large the signal is. */
import { aRowStream, aSignal, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import type { About } from '../field/about.ts';
import type { Axis, Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import type { Signal } from './signal.ts';

/** Consecutive rows (slices of the first axis) of a decoded signal. */
export interface Rows {
  /** Index of the first row within the decoded grid or its region. */
  readonly start: number;
  readonly rows: number;
  /** [rows, ...the other axes, channels]: rounded and clamped where the card samples them in whole numbers, unless raw. */
  readonly values: Float32Array;
  /** Nobody reads the values after whoever takes them: a writer may use their memory, which is otherwise left to the collector block by block. */
  readonly fresh?: true | undefined;
}

export interface RowStream {
  /** Shape of the whole output. */
  readonly shape: readonly number[];
  readonly channels: number;
  /** Where its samples stand, as far as that is known. */
  readonly axes?: readonly Axis[] | undefined;
  /** What its values are, where that is not what the card says: of a signal that was taken over its own range. */
  readonly outputs?: readonly Output[] | undefined;
  /** What is said of it beside values and places: of a file that keeps it. */
  readonly about?: About | undefined;
  /** Memory stays that of one block, however large the output is. Iterate once. */
  readonly rows: AsyncIterable<Rows>;
}

/**
 * All rows of a stream in one array, [points, channels].
 *
 * @example
 * const values = await collectRows(fn.rows({ size: '2x' }));
 */
export async function collectRows(stream: RowStream): Promise<Float32Array> {
  check('collectRows', aRowStream(stream, 'stream'));
  const points = pointCount(stream.shape);
  const rowValues = (points / stream.shape[0]!) * stream.channels;
  const all = new Float32Array(points * stream.channels);
  for await (const { start, values } of stream.rows) all.set(values, start * rowValues);
  return all;
}

/**
 * The rows of a signal in memory, for writers that take streams.
 *
 * @example
 * const rows = signalRows(signal);
 */
export function signalRows(signal: {
  readonly shape: readonly number[];
  readonly channels: number;
  readonly values: Float32Array;
  readonly axes?: readonly Axis[] | undefined;
  readonly about?: About | undefined;
}): RowStream {
  check('signalRows', aSignal(signal, 'signal'));
  const { shape, channels, axes, about, values } = signal;
  async function* rows(): AsyncIterable<Rows> {
    const height = shape[0]!;
    const rowValues = values.length / height;
    const block = Math.max(1, Math.floor((blockPoints * channels) / rowValues));
    for (let start = 0; start < height; start += block) {
      const n = Math.min(block, height - start);
      yield { start, rows: n, values: values.subarray(start * rowValues, (start + n) * rowValues) };
    }
  }
  return { shape, channels, axes, about, rows: rows() };
}

/** Signals of one shape as one: [signals, ...shape]. Throws BadInputError `stack-shapes`. */
export function stackedRows(signals: readonly Signal[]): RowStream {
  const first = signals[0];
  const same = signals.every((s) => s.channels === first?.channels && s.shape.join() === first.shape.join());
  if (first === undefined || !same) {
    throw new BadInputError('stack-shapes', 'one array takes signals of one shape, and at least one');
  }
  async function* rows(): AsyncIterable<Rows> {
    for (const [start, { values }] of signals.entries()) yield { start, rows: 1, values };
  }
  const { shape, channels, axes } = first;
  return {
    ...{ shape: [signals.length, ...shape], channels, rows: rows() },
    axes: axes && [{ name: 'item' }, ...axes],
  };
}

/** Points of a block: those of a signal in memory are cut into as many. */
const blockPoints = 2 ** 17;
