/**
 * Symbols of files that were decoded before. The context model decodes some million symbols a second, evaluating a field at a hundred
 * points takes less than that: queries that read the same functions again would wait for the decoder alone. What a file decodes to is
 * a matter of its bytes and its model, so they are the key and nothing can be stale. Symbols are kept as runs of zeros and
 * values, about as long as the file itself.
 */
import type { DecodedSymbols } from '../../codec/index.ts';
import type { Model } from '../field/model.ts';

/** Of all files of a model; those that were asked for longest ago go first. */
const maxBytes = 2 ** 26;
/** What an entry takes beside its bytes, about. */
const entryBytes = 300;

/** Symbols in few bytes: after each other the zeros before a symbol, and the symbol, as `packSymbols` writes them. */
export interface PackedSymbols extends Omit<DecodedSymbols, 'symbols'> {
  readonly length: number;
  readonly packed: Uint8Array;
}

interface Memory {
  readonly files: Map<string, PackedSymbols>;
  bytes: number;
}

const memories = new WeakMap<Model, Memory>();

/** What a file decodes to, from memory, or by `decode`. Throws what `decode` throws, which is not kept. */
export function rememberedSymbols<T extends { readonly prior: string }>(
  model: Model,
  file: Uint8Array,
  decode: () => T | DecodedSymbols,
): T | PackedSymbols {
  const memory = memories.get(model) ?? { files: new Map<string, PackedSymbols>(), bytes: 0 };
  memories.set(model, memory);
  const key = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
  const known = memory.files.get(key);
  if (known !== undefined) {
    memory.files.delete(key);
    memory.files.set(key, known);
    return known;
  }
  const found = decode();
  if (!('symbols' in found)) return found;
  const { symbols, ...rest } = found;
  const kept = { ...rest, length: symbols.length, packed: packSymbols(symbols) };
  memory.files.set(key, kept);
  memory.bytes += sizeOf(key, kept);
  for (const [oldest, entry] of memory.files) {
    if (memory.bytes <= maxBytes) break;
    memory.files.delete(oldest);
    memory.bytes -= sizeOf(oldest, entry);
  }
  return kept;
}

/** A varint of the zeros before a symbol, and one of the symbol, signs alternating, for each that is not zero. */
export function packSymbols(symbols: Int32Array): Uint8Array {
  let bytes = 0;
  for (let i = 0, next = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    if (symbol === 0) continue;
    bytes += varintBytes(i - next) + varintBytes(alternating(symbol));
    next = i + 1;
  }
  const packed = new Uint8Array(bytes);
  let at = 0;
  for (let i = 0, next = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    if (symbol === 0) continue;
    at = putVarint(packed, at, i - next);
    at = putVarint(packed, at, alternating(symbol));
    next = i + 1;
  }
  return packed;
}

/** 1, 2, 3, 4, ... of 1, -1, 2, -2, ...; symbols are within +-2^20. */
function alternating(symbol: number): number {
  return symbol > 0 ? 2 * symbol - 1 : -2 * symbol;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value; left > 127; left >>>= 7) bytes++;
  return bytes;
}

/** Returns where the next one goes. */
function putVarint(target: Uint8Array, at: number, value: number): number {
  let next = at;
  let left = value;
  for (; left > 127; left >>>= 7) target[next++] = (left & 127) | 128;
  target[next++] = left;
  return next;
}

/**
 * The modulation [m] of symbols that `packSymbols` packed; `steps` [m] are those of each number. Written to `modulation`, all zeros
 * before.
 */
export function dequantisePacked(
  packed: Uint8Array,
  steps: Float64Array,
  modulation: Float32Array = new Float32Array(steps.length),
): Float32Array {
  let at = 0;
  for (let next = 0; next < packed.length; at++) {
    for (let unit = 1, byte = 128; byte > 127; unit *= 128) {
      byte = packed[next++]!;
      at += (byte & 127) * unit;
    }
    let value = 0;
    for (let unit = 1, byte = 128; byte > 127; unit *= 128) {
      byte = packed[next++]!;
      value += (byte & 127) * unit;
    }
    modulation[at] = (value % 2 === 1 ? (value + 1) / 2 : -value / 2) * steps[at]!;
  }
  return modulation;
}

function sizeOf(key: string, { packed }: PackedSymbols): number {
  return key.length + packed.length + entryBytes;
}
