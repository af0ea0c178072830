/** Symbols that are written, or looked up, by the kernel of a whole walk. Pages read: their bundle has none of it (scripts/bundle-web.mjs). */
import type { ModulationLayout } from '../src/field/layout.ts';
import { bitsOfIntervals } from './cost.ts';
import { symbolsPerCall, walkCount, walkNumbers } from './kernel-memory.ts';
import type { SymbolCoder, Symbols } from './prior.ts';
import type { KernelWalk } from './walk-wasm.ts';

/** Symbols between two looks at whether they cost too much: about as many as a look costs. */
const symbolsPerPrice = 384;
/** Symbols that are written, at most: the memory of about 20 bytes each is kept. */
const maxSymbols = 1 << 20;
/** Room for intervals beyond two a symbol: those of a few escapes. */
const spareIntervals = 1024;

/** Serves a coder that takes intervals or tables, as `KernelWalk.walk` does. */
export function writeByKernel(
  walk: KernelWalk,
  layout: ModulationLayout,
  quality: number,
  symbols: Symbols,
  coder: SymbolCoder,
): boolean {
  if (layout.length > maxSymbols) return false;
  if (coder.take !== undefined) {
    const intervals = encode(walk, layout, quality, symbols, coder.mostBits);
    if (intervals === undefined) return false;
    coder.take(intervals);
    return true;
  }
  const pairs = lookUp(walk, layout, quality, symbols);
  if (pairs === undefined) return false;
  coder.takeTables!(walk.tables, pairs);
  return true;
}

/** A view: it is void after the next walk. Not all of them where they take more than `mostBits`. */
function encode(
  walk: KernelWalk,
  layout: ModulationLayout,
  quality: number,
  symbols: Symbols,
  mostBits: number | undefined,
): Uint32Array | undefined {
  const room = 2 * layout.length + spareIntervals;
  const perCall = mostBits === undefined ? symbolsPerCall : symbolsPerPrice;
  const at = walk.prepare(layout, quality, perCall, 4 * room);
  const { buffer } = walk.memory;
  new Int32Array(buffer, at.symbols, layout.length).set(symbols);
  const struct = new Int32Array(buffer, walk.at, walkNumbers);
  struct.set([at.end, room, 0], walkCount - 2);
  let seen = 0;
  let bits = 0;
  const isDear = () => {
    const intervals = new Uint32Array(buffer, at.end, struct[walkCount]!);
    bits += bitsOfIntervals(intervals.subarray(seen));
    seen = intervals.length;
    return bits > mostBits!;
  };
  if (!walk.run(walk.kernels.encode, mostBits === undefined ? undefined : isDear)) return undefined;
  return new Uint32Array(buffer, at.end, struct[walkCount]!);
}

/** [length, 2]: the table of each symbol, and its offset. A view: it is void after the next walk. */
function lookUp(
  walk: KernelWalk,
  layout: ModulationLayout,
  quality: number,
  symbols: Symbols,
): Int32Array | undefined {
  const room = 2 * layout.length;
  const at = walk.prepare(layout, quality, symbolsPerCall, 4 * room);
  const { buffer } = walk.memory;
  new Int32Array(buffer, at.symbols, layout.length).set(symbols);
  new Int32Array(buffer, walk.at, walkNumbers).set([at.end, room, 0], walkCount - 2);
  if (!walk.run(walk.kernels.look_up)) return undefined;
  return new Int32Array(buffer, at.end, room);
}
