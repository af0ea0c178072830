/** Checksums of mutated sounds, written anew: a decoder behind them sees what was changed. */

/** The CRC of every page of Ogg (RFC 3533, section 6) that is whole. */
export function sealedOgg(bytes: Uint8Array): Uint8Array {
  const own = bytes.slice();
  const view = new DataView(own.buffer);
  for (let at = 0; at + 27 <= own.length; ) {
    if (view.getUint32(at) !== 0x4f676753) {
      at++;
      continue;
    }
    const body = at + 27 + own[at + 26]!;
    if (body > own.length) break;
    let end = body;
    for (let i = at + 27; i < body; i++) end += own[i]!;
    if (end > own.length) break;
    view.setUint32(at + 22, 0, true);
    view.setUint32(at + 22, crcOf(own.subarray(at, end), 32, 0x04c11db7), true);
    at = end;
  }
  return own;
}

/** The CRCs of every frame of FLAC (RFC 9639, section 9.1): of its header, 8 bits, and of the whole, 16. */
export function sealedFlac(bytes: Uint8Array): Uint8Array {
  const own = bytes.slice();
  const starts: number[] = [];
  for (let at = 42; at + 6 < own.length; at++) {
    const header = headerBytes(own, at);
    if (header === undefined || at + header >= own.length) continue;
    own[at + header] = crcOf(own.subarray(at, at + header), 8, 0x07);
    starts.push(at);
    at += header;
  }
  for (const [i, at] of starts.entries()) {
    const end = (starts[i + 1] ?? own.length) - 2;
    const crc = crcOf(own.subarray(at, end), 16, 0x8005);
    own[end] = crc >> 8;
    own[end + 1] = crc & 255;
  }
  return own;
}

/** Bytes of the header of a frame before its CRC; undefined where none begins. */
function headerBytes(bytes: Uint8Array, at: number): number | undefined {
  const [sync = 0, kind = 0, sizes = 0, channels = 0, number = 0] = bytes.subarray(at, at + 5);
  if (
    sync !== 0xff ||
    (kind & 0xfe) !== 0xf8 ||
    sizes >> 4 === 0 ||
    channels >> 4 > 10 ||
    (channels & 1) !== 0
  )
    return undefined;
  const more = number < 0xc0 ? 0 : number < 0xe0 ? 1 : number < 0xf0 ? 2 : number < 0xf8 ? 3 : 4;
  const ofSize = { 6: 1, 7: 2 }[sizes >> 4] ?? 0;
  const ofRate = { 12: 1, 13: 2, 14: 2 }[sizes & 15] ?? 0;
  return 5 + more + ofSize + ofRate;
}

/** Most significant bit first, from 0. */
function crcOf(bytes: Uint8Array, bits: 8 | 16 | 32, polynomial: number): number {
  const table = tables.get(bits) ?? tableOf(bits, polynomial);
  tables.set(bits, table);
  let crc = 0;
  for (const byte of bytes)
    crc = ((bits === 8 ? 0 : crc << 8) ^ table[((crc >>> (bits - 8)) ^ byte) & 255]!) >>> 0;
  return bits === 32 ? crc : crc & (2 ** bits - 1);
}

const tables = new Map<number, Uint32Array>();

function tableOf(bits: number, polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, i) => {
    let crc = (i << (bits - 8)) >>> 0;
    for (let k = 0; k < 8; k++) crc = (crc & (2 ** (bits - 1)) ? (crc << 1) ^ polynomial : crc << 1) >>> 0;
    return bits === 32 ? crc : crc & (2 ** bits - 1);
  });
}
