/** What a file decodes to, held against the signal that it should be: every value, no weights, nothing taken from the file's own word. */
import { aFunction, aSignal, byteArray, check, having, optionsOf } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { unravel } from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import { decodeOptions } from './arguments.ts';
import { boundsOf } from './bounded.ts';
import type { MaxError } from './max-error.ts';
import type { DecodeOptions, Session } from './types.ts';

export interface Verified {
  readonly shape: readonly number[];
  /** [channels]: mean of the absolute error, in the unit of the output; of values that neither lacks. */
  readonly meanError: readonly number[];
  /** [channels]: root of the mean of its square. */
  readonly rmse: readonly number[];
  /** [channels]: the largest. */
  readonly maxError: readonly number[];
  /** Point of the largest error of all, along each axis. */
  readonly worst: readonly number[];
  /** Values missing in both. */
  readonly missing: number;
  /** Values that one has and the other lacks: 0 where missing values came back. */
  readonly missingApart: number;
  /** Values further off than `maxError`; absent where none was given. */
  readonly beyond: number | undefined;
}

export interface VerifyOptions extends Pick<DecodeOptions, 'item' | 'id' | 'limits' | 'signal'> {
  /** A bound to count the values beyond of, as of `encode`. */
  readonly maxError?: MaxError | undefined;
}

/**
 * Decodes a function of a file or an archive and compares it with the signal it was made of, value by value. Throws what `decode` throws,
 * BadInputError `bad-shape` where the two are of different shapes, `max-error`.
 *
 * @example
 * const { maxError, missingApart } = await verify(session, bytes, signal);
 */
export async function verify(
  session: Pick<Session, 'decode'>,
  bytes: Uint8Array,
  original: Signal,
  options: VerifyOptions = {},
): Promise<Verified> {
  const { maxError: asked, ...which } = options ?? {};
  check(
    'verify',
    having({ decode: aFunction })(session, 'session'),
    byteArray(bytes, 'bytes'),
    aSignal(original, 'original'),
    optionsOf()(options, 'options'),
    decodeOptions(which, 'options'),
  );
  const decoded = await session.decode(bytes, which);
  const { shape, channels, values } = original;
  if (decoded.shape.join() !== shape.join() || decoded.channels !== channels)
    throw new BadInputError(
      'bad-shape',
      `the file decodes to [${decoded.shape}] x ${decoded.channels}, ${original.id} is [${shape}] x ${channels}`,
    );
  const bounds = asked === undefined ? undefined : boundsOf(asked, original);
  const [sums, squares, most] = [0, 1, 2].map(() => new Float64Array(channels)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const counts = new Float64Array(channels);
  let [missing, missingApart, beyond, worst, worstError] = [0, 0, 0, 0, -1];
  for (let i = 0; i < values.length; i++) {
    const error = Math.abs(decoded.values[i]! - values[i]!);
    const c = i % channels;
    if (Number.isNaN(error)) {
      if (Number.isNaN(decoded.values[i]!) === Number.isNaN(values[i]!)) missing++;
      else missingApart++;
      continue;
    }
    counts[c]!++;
    sums[c]! += error;
    squares[c]! += error * error;
    if (error > most[c]!) most[c] = error;
    if (bounds !== undefined && error > bounds[c]!) beyond++;
    if (error > worstError) [worst, worstError] = [Math.floor(i / channels), error];
  }
  return {
    shape,
    meanError: Array.from(sums, (sum, c) => sum / counts[c]!),
    rmse: Array.from(squares, (sum, c) => Math.sqrt(sum / counts[c]!)),
    maxError: [...most],
    worst: unravel(shape, worst),
    missing,
    missingApart,
    beyond: bounds === undefined ? undefined : beyond,
  };
}
