/** An array with a shape, as model files hold them. */
import { BadInputError } from './errors.ts';

export interface TensorArrays {
  F32: Float32Array;
  F64: Float64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U8: Uint8Array;
  U16: Uint16Array;
  U32: Uint32Array;
}

/** Names as in safetensors. */
export type Dtype = keyof TensorArrays;

export type TypedArray = TensorArrays[Dtype];

/** `data` is row-major and holds exactly the product of `shape`; an empty shape is one number. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export const dtypeBytes: Readonly<Record<Dtype, number>> = {
  F32: 4,
  F64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  U16: 2,
  U32: 4,
};

const constructors = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
} as const;

/** Elements of a shape; 1 for an empty one. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/**
 * A tensor over `data`, which it keeps (no copy); the shape defaults to one axis.
 * Throws BadInputError `tensor-shape` when shape and data differ in size.
 */
export function tensor(data: TypedArray, shape: readonly number[] = [data.length]): Tensor {
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0) || elementCount(shape) !== data.length) {
    throw new BadInputError(
      'tensor-shape',
      `shape [${shape}] does not hold ${data.length} elements; give one that does`,
    );
  }
  return { dtype: dtypeOf(data), shape: [...shape], data };
}

/** The dtype of a typed array. */
export function dtypeOf(data: TypedArray): Dtype {
  for (const [dtype, Kind] of Object.entries(constructors)) {
    if (data instanceof Kind) return dtype as Dtype;
  }
  throw new BadInputError('tensor-dtype', 'a tensor holds float, or integer numbers of at most 32 bits');
}

/** `count` zeros of a dtype. */
export function allocate<D extends Dtype>(dtype: D, count: number): TensorArrays[D] {
  return new constructors[dtype](count) as TensorArrays[D];
}

/**
 * The data of a named tensor, of the dtype and (when given) the number of elements that the reader needs.
 * Throws BadInputError `tensor-missing`, `tensor-dtype` or `tensor-shape`.
 */
export function takeTensor<D extends Dtype>(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  dtype: D,
  count?: number,
): TensorArrays[D] {
  const found = tensors.get(name);
  if (found === undefined) throw new BadInputError('tensor-missing', `tensor "${name}" is not in the file`);
  if (found.dtype !== dtype) {
    throw new BadInputError('tensor-dtype', `tensor "${name}" is ${found.dtype}, ${dtype} is needed`);
  }
  if (count !== undefined && found.data.length !== count) {
    throw new BadInputError(
      'tensor-shape',
      `tensor "${name}" has ${found.data.length} elements, not ${count}`,
    );
  }
  return found.data as TensorArrays[D];
}
