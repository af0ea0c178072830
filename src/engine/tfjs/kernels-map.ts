/** Elementwise kernels: of one array, of two with broadcasting, comparisons, choice and casts. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type BinaryOp, binaryOps, type UnaryOp, unaryOps } from './backend-dense.ts';
import type { FunctaCall, FunctaKernel } from './backend-functa.ts';
import { broadcastStrides, type StridedAxis, walk } from './kernels-walk.ts';

const COMPARISONS = binaryOps.indexOf('Equal');

const parameters: Partial<Record<UnaryOp, (attrs: FunctaCall['attrs']) => [number, number]>> = {
  LeakyRelu: (attrs) => [attrs.alpha, 0],
  Step: (attrs) => [attrs.alpha, 0],
  ClipByValue: (attrs) => [attrs.clipValueMin, attrs.clipValueMax],
};

/** Names of the two inputs where they are not a and b. */
const operands: Partial<Record<BinaryOp, [string, string]>> = { Prelu: ['x', 'alpha'], EluGrad: ['dy', 'y'] };

export const mapKernels: readonly FunctaKernel[] = [
  // Identity shares its memory instead of copying: the cpu kernel does that.
  ...unaryOps
    .filter((name) => name !== 'Identity')
    .map((name) => ({ name, run: (call: FunctaCall) => unary(call, name) })),
  ...binaryOps.map((name) => ({ name, run: (call: FunctaCall) => binary(call, name) })),
  { name: 'LogicalAnd', run: (call) => logical(call, (a, b) => a & b) },
  { name: 'LogicalOr', run: (call) => logical(call, (a, b) => a | b) },
  { name: 'Select', run: select },
  { name: 'Cast', run: cast },
  { name: 'ZerosLike', run: (call) => filled(call, call.inputs.x, 0) },
  { name: 'OnesLike', run: (call) => filled(call, call.inputs.x, 1) },
  {
    name: 'Fill',
    run: ({ attrs, ...call }) => (attrs.dtype === 'float32' ? filled(call, attrs, attrs.value) : undefined),
  },
];

function unary({ backend, inputs, attrs }: FunctaCall, name: UnaryOp): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  if (x.dtype !== 'float32') return undefined;
  const values = backend.valuesOf(x);
  const out = backend.allocate(values.length);
  const [p, q] = parameters[name]?.(attrs) ?? [0, 0];
  backend.dense.denseUnary(unaryOps.indexOf(name), values, out, p, q);
  return backend.emit(x.shape, out);
}

function binary({ tf, backend, inputs }: FunctaCall, name: BinaryOp): TensorInfo | undefined {
  const [first, second] = operands[name] ?? ['a', 'b'];
  const a: TensorInfo = inputs[first];
  const b: TensorInfo = inputs[second];
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const stridesA = broadcastStrides(a.shape, shape);
  const stridesB = broadcastStrides(b.shape, shape);
  const list = walk(shape.map((size, d): StridedAxis => ({ size, a: stridesA[d]!, b: stridesB[d]! })));
  if (list === undefined) return undefined;
  const length = tf.util.sizeFromShape(shape);
  const op = binaryOps.indexOf(name);
  if (op >= COMPARISONS) {
    const bytes = new Uint8Array(length);
    backend.dense.denseBinary(op, backend.valuesOf(a), backend.valuesOf(b), bytes, list);
    return backend.makeTensorInfo(shape, 'bool', bytes);
  }
  const out = backend.allocate(length);
  backend.dense.denseBinary(op, backend.valuesOf(a), backend.valuesOf(b), out, list);
  return backend.emit(shape, out);
}

/** Of the same shape alone; what it costs is memory, so it stays in JavaScript. */
function logical(
  { tf, backend, inputs }: FunctaCall,
  join: (a: number, b: number) => number,
): TensorInfo | undefined {
  const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
  if (a.dtype !== 'bool' || b.dtype !== 'bool' || !tf.util.arraysEqual(a.shape, b.shape)) return undefined;
  const [first, second] = [backend.bytesOf(a), backend.bytesOf(b)];
  const out = new Uint8Array(first.length);
  for (let i = 0; i < out.length; i++) out[i] = join(first[i]!, second[i]!);
  return backend.makeTensorInfo(a.shape, 'bool', out);
}

function select({ tf, backend, inputs }: FunctaCall): TensorInfo | undefined {
  const { condition, t, e } = inputs as { condition: TensorInfo; t: TensorInfo; e: TensorInfo };
  if (t.dtype !== 'float32' || e.dtype !== 'float32' || condition.dtype !== 'bool') return undefined;
  if (!tf.util.arraysEqual(condition.shape, t.shape) || !tf.util.arraysEqual(t.shape, e.shape))
    return undefined;
  const bytes = backend.bytesOf(condition);
  if (!(bytes instanceof Uint8Array)) return undefined;
  const out = backend.allocate(bytes.length);
  backend.dense.denseSelect(bytes, backend.valuesOf(t), backend.valuesOf(e), out);
  return backend.emit(t.shape, out);
}

function cast({ backend, inputs, attrs }: FunctaCall): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  if (attrs.dtype !== 'float32') return undefined;
  if (x.dtype === 'float32') return backend.reshaped(x, x.shape);
  if (x.dtype !== 'bool') return undefined;
  const bytes = backend.bytesOf(x);
  if (!(bytes instanceof Uint8Array)) return undefined;
  const out = backend.allocate(bytes.length);
  backend.dense.denseBytesToFloat(bytes, out);
  return backend.emit(x.shape, out);
}

function filled(
  { tf, backend }: Pick<FunctaCall, 'tf' | 'backend'>,
  like: Pick<TensorInfo, 'shape' | 'dtype'>,
  value: number,
) {
  if (like.dtype !== 'float32') return undefined;
  return backend.emit(like.shape, backend.allocate(tf.util.sizeFromShape(like.shape)).fill(value));
}
