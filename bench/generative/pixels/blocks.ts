/** Pictures as maps of blocks: the same networks that read modulations read pixels, to be compared with. */
import { pointCount } from '../../../src/field/spec.ts';

export interface BlockMaps {
  /** Blocks along each axis. */
  readonly cells: readonly number[];
  readonly channels: number;
  /** Writes a signal's values [points, channels], less `mean` and times `scale`, to `target` [cells, channels]. */
  fill(values: ArrayLike<number>, target: Float32Array): void;
}

export interface BlockOptions {
  readonly mean: number;
  readonly scale: number;
  /** The last axis runs the other way. */
  readonly mirrored?: boolean | undefined;
}

/** Blocks of `side` points along each axis; points past the end of an axis are zero. */
export function blockMaps(
  shape: readonly number[],
  channels: number,
  side: number,
  { mean, scale, mirrored = false }: BlockOptions,
): BlockMaps {
  const cells = shape.map((n) => Math.ceil(n / side));
  const points = side ** shape.length;
  const table = new Int32Array(pointCount(cells) * points);
  for (let at = 0; at < table.length; at++) {
    let [cell, point] = [Math.floor(at / points), at % points];
    let [found, stride, inside] = [0, 1, true];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = (cell % cells[axis]!) * side + (point % side);
      inside &&= index < shape[axis]!;
      const last = axis === shape.length - 1;
      found += (mirrored && last ? shape[axis]! - 1 - index : index) * stride;
      stride *= shape[axis]!;
      cell = Math.floor(cell / cells[axis]!);
      point = Math.floor(point / side);
    }
    table[at] = inside ? found : -1;
  }
  return {
    cells,
    channels: points * channels,
    fill(values, target) {
      table.forEach((point, at) => {
        for (let c = 0; c < channels; c++) {
          target[at * channels + c] = point < 0 ? 0 : (values[point * channels + c]! - mean) * scale;
        }
      });
    },
  };
}
