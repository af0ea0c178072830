/** The 16-bit check of a stream of symbols: it depends on the header they stand under, too. */
import type { Symbols } from '../prior/prior.ts';
import { crc16, crc16OfWords } from '../src/core/hash.ts';

/**
 * CRC-16 of the header's bytes and of every symbol as 32 bits, little-endian, two's complement; `before` is the check of the
 * signal before in the same stream.
 */
export function checkOf(header: Uint8Array, symbols: Symbols, before?: number): number {
  return crc16OfWords(symbols, crc16(header, before));
}
