/** float32 .npy files, written as the rows come. */
import { writeNpy } from '../../datasets/npy.ts';
import type { Signal } from '../../datasets/signal.ts';
import { BadInputError } from '../core/errors.ts';
import type { RowStream, Rows } from './types.ts';

/** A .npy file of shape [...shape, channels], without the last axis where there is one channel, in pieces. */
export async function* npyChunks(stream: RowStream): AsyncIterable<Uint8Array> {
  const shape = stream.channels === 1 ? stream.shape : [...stream.shape, stream.channels];
  // without data, what is written is the header
  yield writeNpy({ dtype: 'F32', shape, data: new Float32Array(0) });
  for await (const { values } of stream.rows) {
    const file = writeNpy({ dtype: 'F32', shape: [values.length], data: values });
    yield file.subarray(file.length - values.byteLength);
  }
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
  return { shape: [signals.length, ...first.shape], channels: first.channels, rows: rows() };
}
