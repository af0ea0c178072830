/** Walks over several axes for the native kernels: strides with 0 where an array repeats, neighbouring axes joined. */

const MAX_RANK = 8;

export interface StridedAxis {
  size: number;
  /** Strides in elements. */
  a: number;
  b: number;
}

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, stride = 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d]!;
  }
  return strides;
}

/** Strides of an array of `shape` read as the larger `out`, aligned at the last axis: 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], out: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const missing = out.length - shape.length;
  return out.map((_, d) => (d < missing || shape[d - missing] === 1 ? 0 : strides[d - missing]!));
}

// Kernels run one at a time and read their numbers before they return, so one list serves all.
const list = new Float64Array(1 + 3 * MAX_RANK);

/**
 * The list [rank, sizes, strides a, strides b] that the addon reads, or `undefined` for more axes than it takes.
 * It is valid until the next call.
 */
export function walk(axes: readonly StridedAxis[]): Float64Array | undefined {
  const joined: StridedAxis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const last = joined.at(-1);
    if (last && last.a === axis.a * axis.size && last.b === axis.b * axis.size) {
      last.size *= axis.size;
      last.a = axis.a;
      last.b = axis.b;
    } else joined.push({ ...axis });
  }
  if (joined.length === 0) joined.push({ size: 1, a: 1, b: 1 });
  const rank = joined.length;
  if (rank > MAX_RANK) return undefined;
  list[0] = rank;
  for (let d = 0; d < rank; d++) {
    list[1 + d] = joined[d]!.size;
    list[1 + rank + d] = joined[d]!.a;
    list[1 + 2 * rank + d] = joined[d]!.b;
  }
  return list;
}

const sizes = new Float64Array(10);

/** A list of numbers for the addon, valid until the next call. */
export function numbers(...values: number[]): Float64Array {
  for (let i = 0; i < values.length; i++) sizes[i] = values[i]!;
  return sizes;
}
