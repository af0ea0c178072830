/** The dense kernels of the native addon, as native/dense-binding.cc exports them. Calls are synchronous. */
import { EnvironmentError } from '../../core/errors.ts';
import { loadNative } from '../native/native.ts';

export interface DenseAddon {
  /** `instructionSets`: what this processor can run, best first. */
  denseInfo(): { isa: string; lanes: number; threads: number; instructionSets: string[] };
  /** Chooses one of them for the whole process: for tests; the best is chosen from the start. */
  denseInstructionSet(index: number): void;
  /** Threads of the whole process. */
  denseThreads(threads: number): void;
  /** [batch, m, n, k, batch stride of a, of b, transpose a, b, activation, alpha]. */
  denseGemm(
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    bias: Float32Array | null,
    sizes: Float64Array,
  ): void;
  denseUnary(op: number, x: Float32Array, y: Float32Array, p: number, q: number): void;
  denseBinary(
    op: number,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array | Uint8Array,
    walk: Float64Array,
  ): void;
  denseSelect(condition: Uint8Array, a: Float32Array, b: Float32Array, out: Float32Array): void;
  /** [outer, n, inner, scale]. */
  denseReduce(op: number, x: Float32Array, out: Float32Array, sizes: Float64Array): void;
  denseSoftmax(x: Float32Array, out: Float32Array, n: number): void;
  /** [batch, outer, axis, inner, count]. */
  denseGather(x: Float32Array, indices: Int32Array, out: Float32Array, sizes: Float64Array): void;
  /** [n, inner, segments]. */
  denseSegmentSum(x: Float32Array, ids: Int32Array, out: Float32Array, sizes: Float64Array): void;
  denseCopy(x: Float32Array, xAt: number, out: Float32Array, outAt: number, walk: Float64Array): void;
  denseBytesToFloat(x: Uint8Array, out: Float32Array): void;
  /** [rate, beta1, beta2, epsilon, 1 - beta1^t, 1 - beta2^t]; value, m and v are updated in place. */
  denseAdam(
    gradient: Float32Array,
    value: Float32Array,
    m: Float32Array,
    v: Float32Array,
    options: Float64Array,
  ): void;

  // Parts of a transformer block (kernel/dense-blocks.h). `items`: [items, tokens, width, stride of what an item shares].
  /** y = normalised x * (1 + scale) + shift; moments [rows, 2]. */
  denseNorm(
    x: Float32Array,
    scale: Float32Array,
    shift: Float32Array,
    y: Float32Array,
    moments: Float32Array,
    items: Float64Array,
  ): void;
  /** Adds to dx; overwrites dscale and dshift. */
  denseNormBack(
    x: Float32Array,
    moments: Float32Array,
    scale: Float32Array,
    dy: Float32Array,
    dx: Float32Array,
    dscale: Float32Array,
    dshift: Float32Array,
    items: Float64Array,
  ): void;
  /** h += gate * y. */
  denseGated(gate: Float32Array, y: Float32Array, h: Float32Array, items: Float64Array): void;
  /** Overwrites dy and dgate. */
  denseGatedBack(
    gate: Float32Array,
    y: Float32Array,
    dh: Float32Array,
    dy: Float32Array,
    dgate: Float32Array,
    items: Float64Array,
  ): void;
  denseGelu(x: Float32Array, y: Float32Array): void;
  /** `dx` may be `dy`. */
  denseGeluBack(x: Float32Array, dy: Float32Array, dx: Float32Array): void;
  /** qkv [items, tokens, 3 width], shares [items, heads, tokens, tokens], out [items, tokens, width]; `heads`: [items, tokens, heads, width]. */
  denseAttention(qkv: Float32Array, shares: Float32Array, out: Float32Array, heads: Float64Array): void;
  /** `spare` is as large as the shares. */
  denseAttentionBack(
    qkv: Float32Array,
    shares: Float32Array,
    dout: Float32Array,
    dqkv: Float32Array,
    spare: Float32Array,
    heads: Float64Array,
  ): void;
}

/** In the order of `DenseUnary` in kernel/dense.h. */
export const unaryOps = [
  'Identity',
  'Relu',
  'Relu6',
  'LeakyRelu',
  'Elu',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Exp',
  'Expm1',
  'Log',
  'Log1p',
  'Sin',
  'Cos',
  'Sqrt',
  'Rsqrt',
  'Square',
  'Abs',
  'Neg',
  'Reciprocal',
  'Step',
  'Sign',
  'Floor',
  'Ceil',
  'Round',
  'ClipByValue',
] as const;

/** In the order of `DenseBinary`; from `Equal` on they give bytes. */
export const binaryOps = [
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'Pow',
  'Prelu',
  'EluGrad',
  'Equal',
  'NotEqual',
  'Less',
  'LessEqual',
  'Greater',
  'GreaterEqual',
] as const;

export const reduceOps = { sum: 0, max: 1, min: 2 } as const;

export type UnaryOp = (typeof unaryOps)[number];
export type BinaryOp = (typeof binaryOps)[number];

/** Throws EnvironmentError `native-absent` where there is no addon, or one without these kernels. */
export function loadDense(): DenseAddon {
  const addon = loadNative() as unknown as Partial<DenseAddon>;
  if (addon.denseGemm === undefined) {
    throw new EnvironmentError('native-absent', 'the native addon has no dense kernels; run: npm rebuild');
  }
  return addon as DenseAddon;
}
