/** What the learner reads signals from. Data sets are adapted to it by whoever joins the two. */
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { pointCount } from '../field/spec.ts';
import { type Box, copyBox } from './box.ts';

/** Random access to signals of one number of channels. A source must give the same values for the same index every time. */
export interface SignalSource {
  /** Names the data and its split; a checkpoint belongs to one source. */
  readonly name: string;
  readonly length: number;
  readonly channels: number;
  /** Samples along each axis of signal `index`. */
  shapeOf(index: number): readonly number[] | Promise<readonly number[]>;
  /**
   * Writes the values of `box` into `target` [points of the box, channels], row-major, in signal units; NaN marks
   * a missing value. The box lies within the signal. `target` is valid until the call (or its promise) ends.
   */
  fill(index: number, box: Box, target: Float32Array): void | Promise<void>;
  /**
   * Writes how much each point of `box` counts [points of the box], 0 or more and about 1 on average over the
   * signal (areas of the cells of a map). Absent: all 1.
   */
  fillWeights?(index: number, box: Box, target: Float32Array): void | Promise<void>;
}

/** A signal in memory. */
export interface SourceSignal {
  /** What faults call it. */
  readonly id?: string | undefined;
  readonly shape: readonly number[];
  /** [points, channels], signal units, NaN = missing. */
  readonly values: Float32Array;
  /** [points]. */
  readonly weights?: Float32Array | undefined;
}

/** A source over signals in memory, which it keeps. Throws BadInputError `signal-length` when shape and values differ. */
export function sourceOf(name: string, channels: number, signals: readonly SourceSignal[]): SignalSource {
  signals.forEach(({ shape, values, weights }, index) => {
    const points = pointCount(shape);
    if (values.length !== points * channels || (weights !== undefined && weights.length !== points)) {
      throw new BadInputError(
        'signal-length',
        `signal ${index} of ${name}: ${values.length} values do not fill shape [${shape}] x ${channels} channels`,
      );
    }
  });
  const at = (index: number) => {
    const found = signals[index];
    if (found === undefined) throw new NotFoundError('no-item', `${name} has no signal ${index}`);
    return found;
  };
  return {
    name,
    channels,
    length: signals.length,
    shapeOf: (index) => at(index).shape,
    fill(index, box, target) {
      copyBox(at(index).values, at(index).shape, channels, box, target);
    },
    fillWeights(index, box, target) {
      const { weights, shape } = at(index);
      if (weights === undefined) target.fill(1);
      else copyBox(weights, shape, 1, box, target);
    },
  };
}
