/**
 * The denoiser's network by the dense kernels: see net.ts. Forward and backward passes are written out over flat arrays; what a pass
 * needs of the other is kept in buffers that serve again. In names, d is the gradient of what it stands before.
 */
import { type DenseAddon, loadDense } from '../../src/engine/tfjs/backend-dense.ts';
import { type BlockBuffers, blockBuffers, type Dense, denseOver, floats } from './native-buffers.ts';
import {
  type Cotangent,
  type DenoiserInput,
  type DenoiserNet,
  type DenoiserSize,
  denoiserShapes,
  expansion,
  levelNumbers,
} from './net.ts';

/** Undefined where there is no native addon, or an old one. Keeps `weights`. */
export function nativeDenoiser(
  size: DenoiserSize,
  weights: readonly Float32Array[],
  threads: number,
): DenoiserNet | undefined {
  let addon: DenseAddon;
  try {
    addon = loadDense();
  } catch {
    return undefined;
  }
  if (addon.denseAttention === undefined) return undefined;
  addon.denseThreads(threads);
  return new NativeDenoiser(denseOver(addon), size, weights);
}

/** What a pass over `count` items works on. */
interface Pass {
  readonly count: number;
  readonly kept: boolean;
  readonly blocks: readonly BlockBuffers[];
  readonly first: Float32Array;
  readonly sum: Float32Array;
  readonly condition: Float32Array;
  readonly shared: Float32Array;
  readonly outModulation: Float32Array;
  readonly h: Float32Array;
  readonly moments: Float32Array;
  readonly last: Float32Array;
  readonly found: Float32Array;
}

class NativeDenoiser implements DenoiserNet {
  readonly weights: readonly Float32Array[];
  readonly #dense: Dense;
  readonly #size: DenoiserSize;
  readonly #of: ReadonlyMap<string, Float32Array>;
  readonly #gradients: ReadonlyMap<string, Float32Array>;
  /** [width, 3 width] of each block: query, key and value side by side. */
  readonly #packed: Float32Array[] = [];
  #pass: Pass | undefined;
  #back: BlockBuffers | undefined;

  constructor(dense: Dense, size: DenoiserSize, weights: readonly Float32Array[]) {
    this.#dense = dense;
    this.#size = size;
    this.weights = weights;
    const names = [...denoiserShapes(size).keys()];
    this.#of = new Map(names.map((name, i) => [name, weights[i]!]));
    this.#gradients = new Map(names.map((name, i) => [name, floats(weights[i]!.length)]));
    this.refresh();
  }

  refresh(): void {
    const { tokens, width, blocks } = this.#size;
    if (tokens === 1) return;
    for (let b = 0; b < blocks; b++) {
      this.#packed[b] ??= floats(3 * width * width);
      this.#thirds(b, this.#packed[b]!, (third, row) => third.set(row));
    }
  }

  predict(input: DenoiserInput): Float32Array {
    return this.#forward(input, false).found.slice();
  }

  pullToInput(input: DenoiserInput, cotangent: Cotangent): Float32Array {
    const pass = this.#forward(input, true);
    const { dh } = this.#backward(pass, cotangent(pass.found));
    const { tokens, slots, width } = this.#size;
    const dx = floats(input.x.length);
    this.#dense.product(dh, this.#weight('in.weights'), dx, [input.count * tokens, slots, width], 'b');
    return dx;
  }

  pullToWeights(input: DenoiserInput, cotangent: Cotangent): readonly Float32Array[] {
    const pass = this.#forward(input, true);
    const { dh, dshared, doutModulation } = this.#backward(pass, cotangent(pass.found));
    const { tokens, slots, width, labels } = this.#size;
    const { count } = pass;
    const { product, columnSums } = this.#dense;
    const gradient = (name: string) => this.#gradients.get(name)!;
    product(input.x, dh, gradient('in.weights'), [slots, width, count * tokens], 'a');
    columnSums(dh, gradient('in.bias'), count * tokens, width);
    columnSums(dh, gradient('in.places'), count, tokens * width);
    if (this.#size.tokenLevels) {
      product(input.levels, dh, gradient('in.levels'), [levelNumbers, width, count * tokens], 'a');
    }
    // The condition: sum = relu(level) C + label; c = sum sigmoid(sum).
    const dc = floats(count * width);
    const more = floats(count * width);
    product(dshared, this.#weight('modulation.weights'), dc, [count, width, 6 * width], 'b');
    product(doutModulation, this.#weight('out.modulation.weights'), more, [count, width, 2 * width], 'b');
    product(pass.condition, dshared, gradient('modulation.weights'), [width, 6 * width, count], 'a');
    product(
      pass.condition,
      doutModulation,
      gradient('out.modulation.weights'),
      [width, 2 * width, count],
      'a',
    );
    columnSums(doutModulation, gradient('out.modulation.bias'), count, 2 * width);
    const dsum = more.map((value, i) => {
      const x = pass.sum[i]!;
      const share = 1 / (1 + Math.exp(-x));
      return (value + dc[i]!) * share * (1 + x * (1 - share));
    });
    if (labels > 0) product(input.label, dsum, gradient('label.weights'), [labels, width, count], 'a');
    product(pass.first, dsum, gradient('condition.weights'), [width, width, count], 'a');
    columnSums(dsum, gradient('condition.bias'), count, width);
    product(dsum, this.#weight('condition.weights'), dc, [count, width, width], 'b');
    for (let i = 0; i < dc.length; i++) if (!(pass.first[i]! > 0)) dc[i] = 0;
    product(input.level, dc, gradient('level.weights'), [levelNumbers, width, count], 'a');
    columnSums(dc, gradient('level.bias'), count, width);
    return [...this.#gradients.values()];
  }

  dispose(): void {
    this.#pass = undefined;
    this.#back = undefined;
  }

  #weight(name: string): Float32Array {
    return this.#of.get(name)!;
  }

  /** Rows of query, key and value of a block, with the thirds of rows of `packed`. */
  #thirds(
    block: number,
    packed: Float32Array,
    use: (third: Float32Array, row: Float32Array) => void,
    of = this.#of,
  ) {
    const { width } = this.#size;
    ['query', 'key', 'value'].forEach((name, part) => {
      const matrix = of.get(`block${block}.${name}`)!;
      for (let i = 0; i < width; i++) {
        const at = (3 * i + part) * width;
        use(packed.subarray(at, at + width), matrix.subarray(i * width, (i + 1) * width));
      }
    });
  }

  /** Buffers for so many items; those of the last pass where they fit. */
  #buffers(count: number, kept: boolean): Pass {
    const { blocks, tokens, slots, width } = this.#size;
    if (this.#pass?.count === count && (this.#pass.kept || !kept)) return this.#pass;
    const rows = count * tokens;
    const own = Array.from({ length: kept ? blocks : 1 }, () => blockBuffers(this.#size, count));
    this.#pass = {
      count,
      kept,
      blocks: Array.from({ length: blocks }, (_, b) => own[b % own.length]!),
      first: floats(count * width),
      sum: floats(count * width),
      condition: floats(count * width),
      shared: floats(count * 6 * width),
      outModulation: floats(count * 2 * width),
      h: floats(rows * width),
      moments: floats(rows * 2),
      last: floats(rows * width),
      found: floats(rows * slots),
    };
    return this.#pass;
  }

  #forward({ count, x, level, levels, label }: DenoiserInput, kept: boolean): Pass {
    const { tokens, slots, width, blocks, labels, tokenLevels } = this.#size;
    const dense = this.#dense;
    const pass = this.#buffers(count, kept);
    const { first, sum, condition, shared, outModulation, h, moments, last, found } = pass;
    const weight = (name: string) => this.#weight(name);
    const rows = count * tokens;
    dense.product(level, weight('level.weights'), first, [count, width, levelNumbers], '', {
      bias: weight('level.bias'),
      relu: true,
    });
    dense.product(first, weight('condition.weights'), sum, [count, width, width], '', {
      bias: weight('condition.bias'),
    });
    if (labels > 0) {
      dense.product(label, weight('label.weights'), condition, [count, width, labels]);
      for (let i = 0; i < sum.length; i++) sum[i]! += condition[i]!;
    }
    for (let i = 0; i < sum.length; i++) condition[i] = sum[i]! / (1 + Math.exp(-sum[i]!));
    dense.product(condition, weight('modulation.weights'), shared, [count, 6 * width, width]);
    dense.product(condition, weight('out.modulation.weights'), outModulation, [count, 2 * width, width], '', {
      bias: weight('out.modulation.bias'),
    });
    dense.product(x, weight('in.weights'), h, [rows, width, slots], '', { bias: weight('in.bias') });
    dense.addRepeated(h, weight('in.places'), h, count);
    if (tokenLevels) {
      dense.product(levels, weight('in.levels'), last, [rows, width, levelNumbers]);
      dense.addRepeated(h, last, h, 1);
    }
    for (let b = 0; b < blocks; b++) this.#block(b, pass);
    dense.norm(h, outModulation, 1, 0, last, moments, [count, tokens, width, 2 * width]);
    dense.product(last, weight('out.weights'), found, [rows, slots, width], '', { bias: weight('out.bias') });
    return pass;
  }

  /** h += gate1 attention(norm h), h += gate2 mlp(norm h). */
  #block(b: number, { count, kept, blocks, shared, h }: Pass): void {
    const { tokens, width, heads, activation } = this.#size;
    const dense = this.#dense;
    const own = blocks[b]!;
    const rows = count * tokens;
    const items = [count, tokens, width, 6 * width] as const;
    const weight = (name: string) => this.#weight(`block${b}.${name}`);
    dense.addRepeated(shared, weight('modulation'), own.modulation, count);
    if (tokens > 1) {
      if (kept) own.before.set(h);
      dense.norm(h, own.modulation, 1, 0, own.normed, own.moments, items);
      dense.product(own.normed, this.#packed[b]!, own.qkv, [rows, 3 * width, width]);
      dense.attention(own.qkv, own.shares, own.mixed, [count, tokens, heads, width]);
      dense.product(own.mixed, weight('join'), own.joined, [rows, width, width]);
      dense.gated(own.modulation, 2, own.joined, h, items);
    }
    if (kept) own.between.set(h);
    dense.norm(h, own.modulation, 4, 3, own.normed2, own.moments2, items);
    const relu = activation === 'relu';
    const inner = expansion * width;
    const up = relu ? own.active : own.up;
    dense.product(own.normed2, weight('up.weights'), up, [rows, inner, width], '', {
      bias: weight('up.bias'),
      relu,
    });
    if (!relu) dense.gelu(own.up, own.active);
    dense.product(own.active, weight('down.weights'), own.down, [rows, width, inner], '', {
      bias: weight('down.bias'),
    });
    dense.gated(own.modulation, 5, own.down, h, items);
  }

  /** Gradients of the blocks' and the output's weights are written; what the others follow from is returned. */
  #backward(pass: Pass, dfound: Float32Array) {
    const { tokens, slots, width, blocks } = this.#size;
    const { count, outModulation, h, moments, last } = pass;
    const { product, columnSums, normBack } = this.#dense;
    const rows = count * tokens;
    if (this.#back === undefined || this.#back.normed.length !== rows * width) {
      this.#back = blockBuffers(this.#size, count);
    }
    const back = this.#back;
    const gradient = (name: string) => this.#gradients.get(name)!;
    product(last, dfound, gradient('out.weights'), [width, slots, rows], 'a');
    columnSums(dfound, gradient('out.bias'), rows, slots);
    product(dfound, this.#weight('out.weights'), back.normed, [rows, width, slots], 'b');
    const dh = floats(rows * width);
    const doutModulation = floats(count * 2 * width);
    normBack(h, moments, outModulation, 1, 0, back.normed, dh, doutModulation, [
      count,
      tokens,
      width,
      2 * width,
    ]);
    const dshared = floats(count * 6 * width);
    for (let b = blocks - 1; b >= 0; b--) this.#blockBack(b, pass, back, dh, dshared);
    return { dh, dshared, doutModulation };
  }

  #blockBack(b: number, pass: Pass, back: BlockBuffers, dh: Float32Array, dshared: Float32Array): void {
    const { tokens, width, heads, activation } = this.#size;
    const { product, columnSums, normBack, gatedBack, geluBack, attentionBack } = this.#dense;
    const { count } = pass;
    const own = pass.blocks[b]!;
    const rows = count * tokens;
    const inner = expansion * width;
    const items = [count, tokens, width, 6 * width] as const;
    const weight = (name: string) => this.#weight(`block${b}.${name}`);
    const gradient = (name: string) => this.#gradients.get(`block${b}.${name}`)!;
    gatedBack(own.modulation, 5, own.down, dh, back.down, back.modulation, items);
    product(own.active, back.down, gradient('down.weights'), [inner, width, rows], 'a');
    columnSums(back.down, gradient('down.bias'), rows, width);
    product(back.down, weight('down.weights'), back.up, [rows, inner, width], 'b');
    if (activation === 'gelu') geluBack(own.up, back.up);
    else for (let i = 0; i < back.up.length; i++) if (!(own.active[i]! > 0)) back.up[i] = 0;
    product(own.normed2, back.up, gradient('up.weights'), [width, inner, rows], 'a');
    columnSums(back.up, gradient('up.bias'), rows, inner);
    product(back.up, weight('up.weights'), back.normed, [rows, width, inner], 'b');
    normBack(own.between, own.moments2, own.modulation, 4, 3, back.normed, dh, back.modulation, items);
    if (tokens > 1) {
      gatedBack(own.modulation, 2, own.joined, dh, back.joined, back.modulation, items);
      product(own.mixed, back.joined, gradient('join'), [width, width, rows], 'a');
      product(back.joined, weight('join'), back.mixed, [rows, width, width], 'b');
      attentionBack(own.qkv, own.shares, back.mixed, back.qkv, back.shares, [count, tokens, heads, width]);
      product(own.normed, back.qkv, back.packed, [width, 3 * width, rows], 'a');
      this.#thirds(b, back.packed, (third, row) => row.set(third), this.#gradients);
      product(back.qkv, this.#packed[b]!, back.normed, [rows, width, 3 * width], 'b');
      normBack(own.before, own.moments, own.modulation, 1, 0, back.normed, dh, back.modulation, items);
    }
    columnSums(back.modulation, gradient('modulation'), count, 6 * width);
    for (let i = 0; i < dshared.length; i++) dshared[i]! += back.modulation[i]!;
  }
}
