/** Kernels that move values without changing them: transpose, slice, concat, pad and tile, all one strided copy. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { FunctaCall, FunctaKernel } from './backend-functa.ts';
import { permutation } from './kernels-fold.ts';
import { stridesOf, walk } from './kernels-walk.ts';

export const moveKernels: readonly FunctaKernel[] = [
  { name: 'Transpose', run: transpose },
  { name: 'Slice', run: slice },
  { name: 'Concat', run: concat },
  { name: 'PadV2', run: pad },
  { name: 'Tile', run: tile },
];

function transpose({ backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  if (x.dtype !== 'float32') return undefined;
  const perm: number[] = attrs.perm;
  const list = permutation(x.shape, perm);
  if (list === undefined) return undefined;
  const values = backend.valuesOf(x);
  const out = backend.allocate(values.length);
  backend.dense.denseCopy(values, 0, out, 0, list);
  return backend.emit(
    perm.map((d) => x.shape[d]!),
    out,
  );
}

function slice({ tf, backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  if (x.dtype !== 'float32') return undefined;
  const [begin, size] = tf.slice_util.parseSliceParams(x as never, attrs.begin, attrs.size) as [
    number[],
    number[],
  ];
  tf.slice_util.assertParamsValid(x, begin, size);
  const from = stridesOf(x.shape);
  const to = stridesOf(size);
  const list = walk(size.map((n, d) => ({ size: n, a: from[d]!, b: to[d]! })));
  if (list === undefined) return undefined;
  const out = backend.allocate(tf.util.sizeFromShape(size));
  const at = begin.reduce((sum, b, d) => sum + b * from[d]!, 0);
  backend.dense.denseCopy(backend.valuesOf(x), at, out, 0, list);
  return backend.emit(size, out);
}

function concat({ tf, backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const parts = Object.values(inputs as Record<string, TensorInfo>).filter(
    (part) => tf.util.sizeFromShape(part.shape) > 0,
  );
  if (parts.length < 2 || parts.some((part) => part.dtype !== 'float32')) return undefined;
  const axis = tf.util.parseAxisParam(attrs.axis, parts[0]!.shape)[0]!;
  const shapes = parts.map((part) => part.shape);
  tf.backend_util.assertParamsConsistent(shapes, axis);
  const shape = tf.backend_util.computeOutShape(shapes, axis);
  const outer = tf.util.sizeFromShape(shape.slice(0, axis));
  const row = tf.util.sizeFromShape(shape.slice(axis));
  const out = backend.allocate(outer * row);
  let at = 0;
  for (const part of parts) {
    const n = tf.util.sizeFromShape(part.shape.slice(axis));
    const list = walk([
      { size: outer, a: n, b: row },
      { size: n, a: 1, b: 1 },
    ])!;
    backend.dense.denseCopy(backend.valuesOf(part), 0, out, at, list);
    at += n;
  }
  return backend.emit(shape, out);
}

function pad({ tf, backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  const paddings = attrs.paddings as [number, number][];
  if (x.dtype !== 'float32' || paddings.some(([before, after]) => before < 0 || after < 0)) return undefined;
  const shape = x.shape.map((n, d) => n + paddings[d]![0] + paddings[d]![1]);
  const from = stridesOf(x.shape);
  const to = stridesOf(shape);
  const list = walk(x.shape.map((n, d) => ({ size: n, a: from[d]!, b: to[d]! })));
  if (list === undefined) return undefined;
  const out = backend.allocate(tf.util.sizeFromShape(shape)).fill(attrs.constantValue);
  const at = paddings.reduce((sum, [before], d) => sum + before * to[d]!, 0);
  backend.dense.denseCopy(backend.valuesOf(x), 0, out, at, list);
  return backend.emit(shape, out);
}

function tile({ tf, backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  const reps: number[] = attrs.reps;
  if (x.dtype !== 'float32' || reps.length !== x.shape.length) return undefined;
  const shape = x.shape.map((n, d) => n * reps[d]!);
  const from = stridesOf(x.shape);
  const to = stridesOf(shape);
  const list = walk(
    x.shape.flatMap((n, d) => [
      { size: reps[d]!, a: 0, b: n * to[d]! },
      { size: n, a: from[d]!, b: to[d]! },
    ]),
  );
  if (list === undefined) return undefined;
  const out = backend.allocate(tf.util.sizeFromShape(shape));
  backend.dense.denseCopy(backend.valuesOf(x), 0, out, 0, list);
  return backend.emit(shape, out);
}
