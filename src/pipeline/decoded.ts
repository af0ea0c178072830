/**
 * Symbols of files that were decoded before. The context model decodes some million symbols a second, evaluating a field at a hundred
 * points takes less than that: queries that read the same functions again would wait for the decoder alone. What a file decodes to is
 * a matter of its bytes and its model, so they are the key and nothing can be stale. Symbols are kept as runs of zeros and
 * values, about as long as the file itself.
 */
import type { DecodedSymbols } from '../../codec/index.ts';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { Model } from '../field/model.ts';

/** Of all files of a model; those that were asked for longest ago go first. */
const maxBytes = 2 ** 26;
/** What an entry takes beside its bytes, about. */
const entryBytes = 300;

interface Kept extends Omit<DecodedSymbols, 'symbols'> {
  readonly length: number;
  readonly packed: Uint8Array;
}

interface Memory {
  readonly files: Map<string, Kept>;
  bytes: number;
}

const memories = new WeakMap<Model, Memory>();

/** What a file decodes to, from memory, or by `decode`; arrays are the caller's own. Throws what `decode` throws, which is not kept. */
export function rememberedSymbols<T extends { readonly prior: string }>(
  model: Model,
  file: Uint8Array,
  decode: () => T | DecodedSymbols,
): T | DecodedSymbols {
  const memory = memories.get(model) ?? { files: new Map<string, Kept>(), bytes: 0 };
  memories.set(model, memory);
  const key = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
  const known = memory.files.get(key);
  if (known !== undefined) {
    memory.files.delete(key);
    memory.files.set(key, known);
    const { length, packed, ...rest } = known;
    return { ...rest, symbols: unpackSymbols(packed, length) };
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
  return found;
}

/** A varint of the zeros before a symbol, and one of the symbol, signs alternating, for each that is not zero. */
export function packSymbols(symbols: Int32Array): Uint8Array {
  const writer = new ByteWriter();
  let next = 0;
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    if (symbol === 0) continue;
    writer.varint(i - next).varint(symbol > 0 ? 2 * symbol - 1 : -2 * symbol);
    next = i + 1;
  }
  return writer.finish();
}

export function unpackSymbols(packed: Uint8Array, length: number): Int32Array {
  const symbols = new Int32Array(length);
  const reader = new ByteReader(packed);
  for (let at = 0; reader.remaining > 0; at++) {
    at += reader.varint();
    const value = reader.varint();
    symbols[at] = value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
  return symbols;
}

function sizeOf(key: string, { packed }: Kept): number {
  return key.length + packed.length + entryBytes;
}
