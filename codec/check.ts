/** The 16-bit check of a stream of symbols: it depends on the header they stand under, too. */
import { crc16 } from '../src/core/hash.ts';

const chunk = 4096;

/**
 * CRC-16 of the header's bytes and of every symbol as 32 bits, little-endian, two's complement; `before` is the check of the
 * signal before in the same stream.
 */
export function checkOf(header: Uint8Array, symbols: Int32Array, before?: number): number {
  let crc = crc16(header, before);
  const bytes = new Uint8Array(4 * Math.min(chunk, symbols.length));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < symbols.length; at += chunk) {
    const count = Math.min(chunk, symbols.length - at);
    for (let i = 0; i < count; i++) view.setInt32(4 * i, symbols[at + i]!, true);
    crc = crc16(bytes.subarray(0, 4 * count), crc);
  }
  return crc;
}
