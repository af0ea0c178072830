/** float32 .npy files, written as the rows come. */

import { aRowStream, check } from '../core/check.ts';
import type { RowStream } from '../signal/rows.ts';
import { writeNpy } from './npy.ts';

/**
 * A .npy file of shape [...shape, channels], without the last axis where there is one channel, in pieces.
 *
 * @example
 * await writeFile('signal.npy', npyChunks(fn.rows({ size: '4x' })));
 */
export async function* npyChunks(stream: RowStream): AsyncIterable<Uint8Array> {
  check('npyChunks', aRowStream(stream, 'stream'));
  const shape = stream.channels === 1 ? stream.shape : [...stream.shape, stream.channels];
  // without data, what is written is the header
  yield writeNpy({ dtype: 'F32', shape, data: new Float32Array(0) });
  for await (const { values } of stream.rows) {
    const file = writeNpy({ dtype: 'F32', shape: [values.length], data: values });
    yield file.subarray(file.length - values.byteLength);
  }
}
