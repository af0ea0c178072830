/** Reductions over any set of axes, softmax, gather, and the adjoint of gather. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { reduceOps } from './backend-dense.ts';
import type { FunctaCall, FunctaKernel } from './backend-functa.ts';
import { numbers, stridesOf, walk } from './kernels-walk.ts';

type Reduction = keyof typeof reduceOps;

export const foldKernels: readonly FunctaKernel[] = [
  { name: 'Sum', run: (call) => reduce(call, 'sum', call.attrs.axis, false) },
  { name: 'Mean', run: (call) => reduce(call, 'sum', call.attrs.axis, true) },
  { name: 'Max', run: (call) => reduce(call, 'max', call.attrs.reductionIndices, false) },
  { name: 'Min', run: (call) => reduce(call, 'min', call.attrs.axis, false) },
  { name: 'Softmax', run: softmax },
  { name: 'GatherV2', run: gather },
  { name: 'UnsortedSegmentSum', run: segmentSum },
];

function reduce(
  { tf, backend, inputs, attrs }: FunctaCall,
  op: Reduction,
  axis: number | number[],
  mean: boolean,
) {
  const x: TensorInfo = inputs.x;
  if (x.dtype !== 'float32') return undefined;
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const [kept, reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
  const n = tf.util.sizeFromShape(reduced);
  const length = tf.util.sizeFromShape(kept);
  if (n === 0 || length === 0) return undefined;
  const shape = attrs.keepDims ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept;
  const out = backend.allocate(length);
  const scale = mean ? 1 / n : 1;
  const code = reduceOps[op];
  const groups = grouped(x.shape, axes);
  if (groups) {
    backend.dense.denseReduce(code, backend.valuesOf(x), out, numbers(groups.outer, n, groups.inner, scale));
    return backend.emit(shape, out);
  }
  // Kept and reduced axes alternate: bring the reduced ones to the end first.
  const order = [...x.shape.keys()].filter((d) => !axes.includes(d)).concat([...axes].sort((p, q) => p - q));
  const list = permutation(x.shape, order);
  if (list === undefined) return undefined;
  const moved = backend.allocate(length * n);
  backend.dense.denseCopy(backend.valuesOf(x), 0, moved, 0, list);
  backend.dense.denseReduce(code, moved, out, numbers(length, n, 1, scale));
  backend.disposeIntermediateTensorInfo(backend.emit([length, n], moved));
  return backend.emit(shape, out);
}

/** A shape as [outer, reduced, inner] when its reduced axes are neighbours, axes of size 1 aside. */
function grouped(
  shape: readonly number[],
  axes: readonly number[],
): { outer: number; inner: number } | undefined {
  let outer = 1;
  let inner = 1;
  let stage = 0; // before, in, after the reduced axes
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    if (axes.includes(d)) {
      if (stage === 2) return undefined;
      stage = 1;
    } else if (stage === 0) outer *= shape[d]!;
    else {
      stage = 2;
      inner *= shape[d]!;
    }
  }
  return { outer, inner };
}

/** The walk that reads an array of `shape` with its axes in another order and writes it densely. */
export function permutation(shape: readonly number[], order: readonly number[]): Float64Array | undefined {
  const from = stridesOf(shape);
  const to = stridesOf(order.map((d) => shape[d]!));
  return walk(order.map((d, i) => ({ size: shape[d]!, a: from[d]!, b: to[i]! })));
}

function softmax({ backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const logits: TensorInfo = inputs.logits;
  const rank = logits.shape.length;
  const n = logits.shape[rank - 1];
  if (logits.dtype !== 'float32' || rank === 0 || !n || (attrs.dim !== -1 && attrs.dim !== rank - 1))
    return undefined;
  const values = backend.valuesOf(logits);
  const out = backend.allocate(values.length);
  backend.dense.denseSoftmax(values, out, n);
  return backend.emit(logits.shape, out);
}

function gather({ tf, backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const { x, indices } = inputs as { x: TensorInfo; indices: TensorInfo };
  if (x.dtype !== 'float32' || indices.dtype !== 'int32') return undefined;
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
    tf.backend_util.segment_util.collectGatherOpShapeInfo(
      x as never,
      indices as never,
      axis,
      attrs.batchDims ?? 0,
    );
  const values = backend.intsOf(indices);
  // The cpu kernel words the complaint about an index out of range.
  if (!(values instanceof Int32Array) || !values.every((i) => i >= 0 && i < dimSize)) return undefined;
  const out = backend.allocate(tf.util.sizeFromShape(outputShape));
  const list = numbers(batchSize, outerSize, dimSize, sliceSize, values.length / batchSize);
  backend.dense.denseGather(backend.valuesOf(x), values, out, list);
  return backend.emit(outputShape, out);
}

function segmentSum({ tf, backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
  const ids = backend.intsOf(segmentIds);
  if (x.dtype !== 'float32' || segmentIds.shape.length !== 1 || !(ids instanceof Int32Array))
    return undefined;
  const segments: number = attrs.numSegments;
  const rest = x.shape.slice(1);
  const inner = tf.util.sizeFromShape(rest);
  const out = backend.allocate(segments * inner);
  backend.dense.denseSegmentSum(backend.valuesOf(x), ids, out, numbers(ids.length, inner, segments));
  return backend.emit([segments, ...rest], out);
}
