/** Checksums and digests. Hot loops read local typed arrays behind `!`: every index is below the length. */

/** CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xffff, not reflected): the check of short headers. */
export function crc16(bytes: Uint8Array, seed = 0xffff): number {
  let crc = seed;
  for (let i = 0; i < bytes.length; i++) crc = ((crc << 8) & 0xffff) ^ crc16Table[(crc >>> 8) ^ bytes[i]!]!;
  return crc;
}

/** The same of whole numbers as 32 bits each, little-endian, two's complement; four bytes in one turn. */
export function crc16OfWords(words: Int32Array | Int8Array, seed = 0xffff): number {
  let crc = seed;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    crc =
      crc16Table3[(crc >>> 8) ^ (word & 0xff)]! ^
      crc16Table2[(crc & 0xff) ^ ((word >>> 8) & 0xff)]! ^
      crc16Table1[(word >>> 16) & 0xff]! ^
      crc16Table[word >>> 24]!;
  }
  return crc;
}

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), as an unsigned number. `seed` is the checksum of the bytes before:
 * `crc32c(b, crc32c(a))` is that of a and b joined.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crc32cTable[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/** SHA-256 (FIPS 180-4) in lower-case hex. Synchronous and portable: WebCrypto has it only as a promise. */
export function sha256Hex(bytes: Uint8Array): string {
  const state = Uint32Array.from(initialState);
  const schedule = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole; at += 64) compress(state, schedule, view, at);

  // The rest, a 1 bit, zeros, and the length in bits as 64 bits big-endian: one block or two.
  const rest = bytes.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  const tailView = new DataView(tail.buffer);
  tailView.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  tailView.setUint32(tail.length - 4, (bytes.length << 3) >>> 0);
  for (let at = 0; at < tail.length; at += 64) compress(state, schedule, tailView, at);

  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
}

function compress(state: Uint32Array, w: Uint32Array, view: DataView, at: number): void {
  for (let t = 0; t < 16; t++) w[t] = view.getUint32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16]! + s0 + w[t - 7]! + s1;
  }
  let a = state[0]! | 0;
  let b = state[1]! | 0;
  let c = state[2]! | 0;
  let d = state[3]! | 0;
  let e = state[4]! | 0;
  let f = state[5]! | 0;
  let g = state[6]! | 0;
  let h = state[7]! | 0;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + roundConstants[t]! + w[t]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
  state[5] = state[5]! + f;
  state[6] = state[6]! + g;
  state[7] = state[7]! + h;
}

function rotate(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n));
}

const crc16Table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** [byte]: what a byte does to the check when one, two or three more have come after it. */
const crc16Table1 = afterAnother(crc16Table);
const crc16Table2 = afterAnother(crc16Table1);
const crc16Table3 = afterAnother(crc16Table2);

function afterAnother(table: Uint16Array): Uint16Array {
  return table.map((crc) => ((crc << 8) & 0xffff) ^ crc16Table[crc >>> 8]!);
}

const crc32cTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

const primes = firstPrimes(64);
// The first 32 bits of the fractional parts of square roots of 8 primes, and of cube roots of 64. A double has 53
// bits, at most 5 of them spent on the integer part, but Math.cbrt may be off in its last bits: the cube root is
// therefore settled in integers.
const initialState = primes.slice(0, 8).map((p) => fractionOfRoot(BigInt(p), 2n));
const roundConstants = Int32Array.from(primes, (p) => fractionOfRoot(BigInt(p), 3n) | 0);

function firstPrimes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
}

/** floor(2^32 * root(p)) mod 2^32, by bisection in integers. */
function fractionOfRoot(p: bigint, degree: bigint): number {
  const target = p << (32n * degree);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}
