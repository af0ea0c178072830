/** What net-native.ts calls and works on: the dense kernels with their sizes as lists, and the arrays of one block. */
import type { DenseAddon } from '../../src/engine/tfjs/backend-dense.ts';
import { binaryOps, reduceOps, unaryOps } from '../../src/engine/tfjs/backend-dense.ts';
import { type DenoiserSize, expansion } from './net.ts';

/** [items, tokens, width, numbers that an item shares]. */
type Items = readonly [number, number, number, number];
/** Numbers of an item in parts of `width`: which of them is meant. */
type Part = number;

export interface Dense {
  /** c [m, n] = A B + bias, A [m, k]; `transposed`: which of a and b is given as its transpose. */
  product(
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    sizes: readonly [m: number, n: number, k: number],
    transposed?: '' | 'a' | 'b',
    finish?: { readonly bias?: Float32Array; readonly relu?: boolean },
  ): void;
  /** [columns] of [rows, columns]. */
  columnSums(x: Float32Array, out: Float32Array, rows: number, columns: number): void;
  /** out = x [count, n] + y [n]; out may be x. */
  addRepeated(x: Float32Array, y: Float32Array, out: Float32Array, count: number): void;
  norm(
    x: Float32Array,
    shared: Float32Array,
    scale: Part,
    shift: Part,
    y: Float32Array,
    moments: Float32Array,
    items: Items,
  ): void;
  normBack(
    x: Float32Array,
    moments: Float32Array,
    shared: Float32Array,
    scale: Part,
    shift: Part,
    dy: Float32Array,
    dx: Float32Array,
    dshared: Float32Array,
    items: Items,
  ): void;
  gated(shared: Float32Array, gate: Part, y: Float32Array, h: Float32Array, items: Items): void;
  gatedBack(
    shared: Float32Array,
    gate: Part,
    y: Float32Array,
    dh: Float32Array,
    dy: Float32Array,
    dshared: Float32Array,
    items: Items,
  ): void;
  gelu(x: Float32Array, y: Float32Array): void;
  /** In place. */
  geluBack(x: Float32Array, dy: Float32Array): void;
  attention(qkv: Float32Array, shares: Float32Array, out: Float32Array, heads: Items): void;
  attentionBack(
    qkv: Float32Array,
    shares: Float32Array,
    dout: Float32Array,
    dqkv: Float32Array,
    spare: Float32Array,
    heads: Items,
  ): void;
}

export function floats(n: number): Float32Array {
  return new Float32Array(n);
}

export function denseOver(addon: DenseAddon): Dense {
  const [sum, add, relu] = [reduceOps.sum, binaryOps.indexOf('Add'), unaryOps.indexOf('Relu')];
  const list = (items: Items) => Float64Array.from(items);
  const part = (shared: Float32Array, index: Part, [, , width]: Items) => shared.subarray(index * width);
  return {
    product(a, b, c, [m, n, k], transposed = '', finish = {}) {
      const activation = finish.relu ? relu : 0;
      const sizes = [1, m, n, k, 0, 0, Number(transposed === 'a'), Number(transposed === 'b'), activation, 0];
      addon.denseGemm(a, b, c, finish.bias ?? null, Float64Array.from(sizes));
    },
    columnSums: (x, out, rows, columns) =>
      addon.denseReduce(sum, x, out, Float64Array.from([1, rows, columns, 1])),
    addRepeated: (x, y, out, count) =>
      addon.denseBinary(add, x, y, out, Float64Array.from([2, count, y.length, y.length, 1, 0, 1])),
    norm: (x, shared, scale, shift, y, moments, items) =>
      addon.denseNorm(x, part(shared, scale, items), part(shared, shift, items), y, moments, list(items)),
    normBack: (x, moments, shared, scale, shift, dy, dx, dshared, items) =>
      addon.denseNormBack(
        x,
        moments,
        part(shared, scale, items),
        dy,
        dx,
        part(dshared, scale, items),
        part(dshared, shift, items),
        list(items),
      ),
    gated: (shared, gate, y, h, items) => addon.denseGated(part(shared, gate, items), y, h, list(items)),
    gatedBack: (shared, gate, y, dh, dy, dshared, items) =>
      addon.denseGatedBack(part(shared, gate, items), y, dh, dy, part(dshared, gate, items), list(items)),
    gelu: (x, y) => addon.denseGelu(x, y),
    geluBack: (x, dy) => addon.denseGeluBack(x, dy, dy),
    attention: (qkv, shares, out, heads) => addon.denseAttention(qkv, shares, out, list(heads)),
    attentionBack: (qkv, shares, dout, dqkv, spare, heads) =>
      addon.denseAttentionBack(qkv, shares, dout, dqkv, spare, list(heads)),
  };
}

/** What a block computes on the way, and in another set the gradients of it. */
export interface BlockBuffers {
  /** [count, 6, width]: shift, scale and gate of attention and of the MLP. */
  readonly modulation: Float32Array;
  /** [rows, width] each, unless noted. */
  readonly before: Float32Array;
  readonly between: Float32Array;
  readonly normed: Float32Array;
  readonly normed2: Float32Array;
  /** [rows, 2]. */
  readonly moments: Float32Array;
  readonly moments2: Float32Array;
  /** [rows, 3 width]. */
  readonly qkv: Float32Array;
  /** [count, heads, tokens, tokens]. */
  readonly shares: Float32Array;
  readonly mixed: Float32Array;
  readonly joined: Float32Array;
  /** [rows, 4 width]: before and after the activation. */
  readonly up: Float32Array;
  readonly active: Float32Array;
  readonly down: Float32Array;
  /** [width, 3 width]. */
  readonly packed: Float32Array;
}

export function blockBuffers({ tokens, width, heads }: DenoiserSize, count: number): BlockBuffers {
  const rows = count * tokens;
  const wide = () => floats(rows * width);
  return {
    modulation: floats(count * 6 * width),
    before: wide(),
    between: wide(),
    normed: wide(),
    normed2: wide(),
    moments: floats(2 * rows),
    moments2: floats(2 * rows),
    qkv: floats(3 * rows * width),
    shares: floats(count * heads * tokens * tokens),
    mixed: wide(),
    joined: wide(),
    up: floats(expansion * rows * width),
    active: floats(expansion * rows * width),
    down: wide(),
    packed: floats(3 * width * width),
  };
}
