/** What the learner reads signals from. Data sets are adapted to it by whoever joins the two. */
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { pointCount } from '../field/spec.ts';

/** A box of samples of a signal; axes in array order. */
export interface Crop {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/** Random access to signals of one number of channels. A source must give the same values for the same index every time. */
export interface SignalSource {
  /** Names the data and its split; a checkpoint belongs to one source. */
  readonly name: string;
  readonly length: number;
  readonly channels: number;
  /** Samples along each axis of signal `index`. */
  shapeOf(index: number): readonly number[] | Promise<readonly number[]>;
  /**
   * Writes the values of `crop` into `target` [points of the crop, channels], row-major, in signal units; NaN marks
   * a missing value. The crop lies within the signal. `target` is valid until the call (or its promise) ends.
   */
  fill(index: number, crop: Crop, target: Float32Array): void | Promise<void>;
  /**
   * Writes how much each point of `crop` counts [points of the crop], 0 or more and about 1 on average over the
   * signal (areas of the cells of a map). Absent: all 1.
   */
  fillWeights?(index: number, crop: Crop, target: Float32Array): void | Promise<void>;
}

/** A signal in memory. */
export interface SourceSignal {
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
    fill(index, crop, target) {
      copyCrop(at(index).values, at(index).shape, channels, crop, target);
    },
    fillWeights(index, crop, target) {
      const { weights, shape } = at(index);
      if (weights === undefined) target.fill(1);
      else copyCrop(weights, shape, 1, crop, target);
    },
  };
}

/** Copies a box out of an array [...shape, channels] into `target` [...crop.shape, channels]. The crop lies within. */
export function copyCrop(
  values: Float32Array,
  shape: readonly number[],
  channels: number,
  crop: Crop,
  target: Float32Array,
): void {
  forEachRow(shape, crop, (from, to, samples) => {
    const start = from * channels;
    target.set(values.subarray(start, start + samples * channels), to * channels);
  });
}

/** Calls `visit(index in the whole, index in the crop, samples)` for every run along the last axis of a crop of `shape`. */
export function forEachRow(
  shape: readonly number[],
  crop: Crop,
  visit: (whole: number, part: number, samples: number) => void,
): void {
  const last = shape.length - 1;
  const samples = crop.shape[last]!;
  const rows = pointCount(crop.shape) / samples;
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let whole = crop.start[last]!;
    let stride = shape[last]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      const n = crop.shape[axis]!;
      whole += (crop.start[axis]! + (rest % n)) * stride;
      rest = Math.floor(rest / n);
      stride *= shape[axis]!;
    }
    visit(whole, row * samples, samples);
  }
}
