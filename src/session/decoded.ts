/**
 * Symbols of files that were decoded before. The context model decodes some million symbols a second, evaluating a field at a hundred
 * points takes less than that: queries that read the same functions again would wait for the decoder alone. What a file decodes to is
 * a matter of its bytes and its model, so they are the key and nothing can be stale. Symbols are kept as runs of zeros and
 * values, about as long as the file itself.
 */
import type { DecodedSymbols } from '../../codec/index.ts';
import { packSymbols } from '../../prior/packed.ts';
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

function sizeOf(key: string, { packed }: PackedSymbols): number {
  return key.length + packed.length + entryBytes;
}
