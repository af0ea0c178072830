/** BatchMatMul and _FusedMatMul, with every transpose, on the native matrix product. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type UnaryOp, unaryOps } from './backend-dense.ts';
import type { FunctaCall, FunctaKernel } from './backend-functa.ts';
import { numbers } from './kernels-walk.ts';

const activations: Readonly<Record<string, UnaryOp>> = {
  linear: 'Identity',
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  leakyrelu: 'LeakyRelu',
  sigmoid: 'Sigmoid',
};

export const matmulKernels: readonly FunctaKernel[] = [
  { name: 'BatchMatMul', run: (call) => product(call, null, 'Identity', 0) },
  {
    name: '_FusedMatMul',
    run: (call) => {
      const { bias, preluActivationWeights } = call.inputs;
      const op = activations[call.attrs.activation ?? 'linear'];
      // A bias of another shape than one row, and PReLU, go the long way.
      if (op === undefined || preluActivationWeights || (bias && !isRow(call, bias))) return undefined;
      return product(call, bias ?? null, op, call.attrs.leakyreluAlpha ?? 0);
    },
  },
];

function isRow({ inputs, attrs }: FunctaCall, bias: TensorInfo): boolean {
  const columns = inputs.b.shape.at(attrs.transposeB ? -2 : -1);
  return (
    bias.dtype === 'float32' &&
    bias.shape.at(-1) === columns &&
    bias.shape.every((n, d) => d === bias.shape.length - 1 || n === 1)
  );
}

function product(
  call: FunctaCall,
  bias: TensorInfo | null,
  op: UnaryOp,
  alpha: number,
): TensorInfo | undefined {
  const { tf, backend, attrs } = call;
  const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const [m, k] = attrs.transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const n = attrs.transposeB ? rowsB : columnsB;
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const batchA = tf.util.sizeFromShape(outerA);
  const batchB = tf.util.sizeFromShape(outerB);
  const batch = tf.util.sizeFromShape(outer);
  // Either both have the batch or one is a single matrix; mixed broadcasting is left to the cpu kernel.
  if ((batchA !== batch && batchA !== 1) || (batchB !== batch && batchB !== 1)) return undefined;
  const out = backend.allocate(batch * m * n);
  const valuesA = backend.valuesOf(a);
  const valuesB = backend.valuesOf(b);
  const list = numbers(
    batch,
    m,
    n,
    k,
    batchA === 1 ? 0 : m * k,
    batchB === 1 ? 0 : k * n,
    attrs.transposeA ? 1 : 0,
    attrs.transposeB ? 1 : 0,
    unaryOps.indexOf(op),
    alpha,
  );
  // Many small items that share the right side are one long matrix.
  if (batch > 1 && batchB === 1 && batchA === batch && !attrs.transposeA) {
    list[0] = 1;
    list[1] = batch * m;
  }
  backend.dense.denseGemm(valuesA, valuesB, out, bias ? backend.valuesOf(bias) : null, list);
  return backend.emit([...outer, m, n], out);
}
