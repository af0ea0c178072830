/**
 * The whole walk of an autoregressive prior in WebAssembly: kernel/walk.c laid out and run. It serves coders that take intervals or tables and
 * decoders of rANS; what it computes is what the walk in TypeScript computes, to the bit, and what it cannot do it leaves to that.
 */
import { look } from '../src/core/look.ts';
import { growTo, MemoryPlan } from '../src/core/wasm-memory.ts';
import type { ModulationLayout } from '../src/field/layout.ts';
import type { LevelTensors } from './autoregressive-tensors.ts';
import type { TableBank } from './bank.ts';
import { type ContextRecipe, covering } from './context.ts';
import { compiledKernels, planNetwork, symbolsPerCall, walkNumbers } from './kernel-memory.ts';
import type { StreamPlace, SymbolCoder, Symbols, Table } from './prior.ts';
import { writeByKernel } from './walk-writing.ts';

/** That of pages reads alone. */
interface Kernels {
  readonly decode: Kernel;
  readonly encode: Kernel;
  readonly look_up: Kernel;
}

export type Kernel = (walk: number) => number;

/** Symbols that are read, at most: the memory of about 10 bytes each is kept. */
const maxSymbols = 1 << 21;
/** Bytes that one symbol can take: 29 intervals of 16 bits. */
const bytesPerSymbol = 64;
/** Bytes for contexts of a level that are remembered with what the network said of them. */
const rememberedBytes = 1 << 18;
/** What a call of a kernel returns beside 0: to be done again in TypeScript. */
const done = 1;
const more = 2;
const vectorBytes = 16;
const maxAxes = 3;

/** Numbers of the structs of kernel/walk.c, and where in them those stand that change from walk to walk. */
const levelNumbers = 75;
const levelLayout = 70;
const walkQuality = 13;
const walkNext = 27;
const walkState = 28;

export class KernelWalk {
  readonly kernels: Kernels;
  /** Those that the kernel knows by their places. */
  readonly tables: readonly Table[];
  readonly memory: WebAssembly.Memory;
  /** Where the struct of a walk stands. */
  readonly at: number;
  /** [levels]: addresses. */
  readonly #levels: readonly number[];
  /** Channels of a level, at most, and what the kernel reads beyond them. */
  readonly #widest: number;
  /** Where what depends on the layout begins. */
  readonly #fixed: number;
  #layout: { readonly key: string; readonly end: number } | undefined;

  private constructor(
    module: WebAssembly.Module,
    bank: TableBank,
    recipe: ContextRecipe,
    levels: readonly LevelTensors[],
  ) {
    const plan = new MemoryPlan();
    const axes = (recipe.neighbours[0] ?? recipe.parents[0])!.length;
    this.at = plan.take(4 * walkNumbers);
    const levelsAt = plan.take(4 * levelNumbers * levels.length);
    this.#levels = levels.map((_, k) => levelsAt + 4 * levelNumbers * k);
    const structs = levels.map((tensors) => levelStruct(plan, tensors));
    const { neighbours, parents, position } = recipe;
    const offsets = [neighbours, parents].map((list) => plan.place(Int32Array.from(list.flat())));
    const tables = planBank(plan, bank);
    this.tables = bank.packed().tables;
    const sources = plan.take(4 * (neighbours.length + parents.length * levels.length));
    this.#widest = Math.max(...levels.map(({ channels }) => channels)) + 4;
    this.#fixed = plan.end;
    this.memory = plan.memory();
    new Int32Array(this.memory.buffer, this.at, walkNumbers).set([
      ...[axes, levels.length, neighbours.length, parents.length, position ? 1 : 0],
      ...[...offsets, levelsAt, ...tables, sources],
    ]);
    for (const [k, struct] of structs.entries()) {
      new Int32Array(this.memory.buffer, this.#levels[k]!, levelNumbers).set(struct);
    }
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.kernels = instance.exports as unknown as Kernels;
  }

  /** Undefined where there are no kernels, or a recipe without offsets. Throws EnvironmentError `wasm-memory`. */
  static open(
    bank: TableBank,
    recipe: ContextRecipe,
    levels: readonly LevelTensors[],
  ): KernelWalk | undefined {
    const module = compiledKernels();
    if (module === undefined || recipe.neighbours.length + recipe.parents.length === 0) return undefined;
    return new KernelWalk(module, bank, recipe, levels);
  }

  /**
   * Walks as `EntropyPrior.walk` does, for a coder that it can serve. False, with nothing changed, for others, for layouts of too many
   * symbols, and wherever there is something to throw. Throws EnvironmentError `wasm-memory`, AbortedError (src/core/look.ts).
   */
  walk(layout: ModulationLayout, quality: number, symbols: Symbols, coder: SymbolCoder): boolean {
    if (coder.take !== undefined || coder.takeTables !== undefined)
      return writeByKernel(this, layout, quality, symbols, coder);
    if (layout.length > maxSymbols || coder.place === undefined) return false;
    const place = this.#decode(layout, quality, symbols, coder.place);
    if (place === undefined) return false;
    coder.place = place;
    return true;
  }

  #decode(
    layout: ModulationLayout,
    quality: number,
    symbols: Symbols,
    { bytes, next, state }: StreamPlace,
  ): StreamPlace | undefined {
    const own = bytes.subarray(next, next + bytesPerSymbol * (layout.length + 1));
    const at = this.prepare(layout, quality, symbolsPerCall, own.length);
    const { buffer } = this.memory;
    const found = new Int32Array(buffer, at.symbols, layout.length).fill(0);
    new Uint8Array(buffer, at.end, own.length).set(own);
    const struct = new Int32Array(buffer, this.at, walkNumbers);
    struct.set([at.end, own.length, 0, state], walkNext - 2);
    if (!this.run(this.kernels.decode)) return undefined;
    symbols.set(found);
    return { bytes, next: next + struct[walkNext]!, state: struct[walkState]! };
  }

  /** Whether the walk came to its end, or `isEnough` between two calls. Throws AbortedError between two calls. */
  run(kernel: Kernel, isEnough?: () => boolean): boolean {
    for (;;) {
      look();
      const how = kernel(this.at);
      if (how !== more) return how === done;
      if (isEnough?.()) return true;
    }
  }

  /** Room for a walk, and for so many bytes at `end`. */
  prepare(
    layout: ModulationLayout,
    quality: number,
    perCall: number,
    bytes: number,
  ): { readonly symbols: number; readonly end: number } {
    const key = layout.levels.map(({ cells, cell }) => `${cells}/${cell}`).join(';');
    if (this.#layout?.key !== key) this.#layout = { key, end: this.#place(layout) };
    const plan = new MemoryPlan(this.#layout.end);
    const symbols = plan.take(4 * layout.length);
    const none = layout.length;
    const contexts = [0, 1, 2].map(() => plan.take(2 * (none + this.#widest)));
    growTo(this.memory, plan.end + bytes);
    const struct = new Int32Array(this.memory.buffer, this.at, walkNumbers);
    struct.set([quality, symbols, ...contexts, none, 0, 0, perCall], walkQuality);
    for (const at of contexts) new Int16Array(this.memory.buffer, at + 2 * none, this.#widest).fill(0);
    return { symbols, end: plan.end };
  }

  /** Writes what depends on the layout, and says where it ends. */
  #place(layout: ModulationLayout): number {
    const plan = new MemoryPlan(this.#fixed);
    const { levels } = layout;
    const written: { readonly at: number; readonly numbers: ArrayLike<number> }[] = [];
    const place = (numbers: ArrayLike<number>) => {
      const at = plan.take(4 * numbers.length);
      written.push({ at, numbers });
      return at;
    };
    let start = 0;
    for (const [k, level] of levels.entries()) {
      const covers = levels.slice(0, k).flatMap((coarse) => covering(level, coarse).map(place));
      const cells = [...level.cells, ...new Array<number>(maxAxes - level.cells.length).fill(0)];
      const numbers = [...cells, start, place(covers)];
      written.push({ at: this.#levels[k]! + 4 * levelLayout, numbers });
      start += level.cells.reduce((product, n) => product * n, level.channels);
    }
    growTo(this.memory, plan.end);
    for (const { at, numbers } of written)
      new Int32Array(this.memory.buffer, at, numbers.length).set(numbers);
    return plan.end;
  }
}

/** The numbers of a `Level`, up to those of the layout. */
function levelStruct(plan: MemoryPlan, tensors: LevelTensors): number[] {
  const { channels, reach, mean, scale, shapes, inputs } = tensors;
  const vectors = Math.ceil((2 * inputs) / vectorBytes);
  const most = rememberedBytes / (vectorBytes * vectors + 8 * channels);
  // A power of two.
  const contexts = 1 << (31 - Math.clz32(Math.max(1, Math.floor(most))));
  return [
    ...planNetwork(plan, tensors).struct,
    ...[channels, reach, mean.shift, scale.shift],
    ...[plan.place(mean.own), plan.place(scale.own), plan.place(shapes)],
    ...[plan.take(contexts * vectorBytes * vectors), plan.take(8 * contexts * channels), plan.take(contexts)],
    ...[contexts - 1, vectors],
  ];
}

/** The tables, and the addresses and counts by which a `Walk` finds them. */
function planBank(plan: MemoryPlan, bank: TableBank): number[] {
  const { tables, perShape, start, dropped } = bank.packed();
  const cdfs = new Map<Uint32Array, number>();
  const structs = tables.flatMap(({ cdf, min, shift }) => {
    const at = cdfs.get(cdf) ?? plan.place(cdf);
    cdfs.set(cdf, at);
    return [at, cdf.length - 2, min, shift];
  });
  return [
    plan.place(Int32Array.from(structs)),
    perShape,
    ...[start, dropped].map((list) => plan.place(Int32Array.from(list))),
  ];
}
