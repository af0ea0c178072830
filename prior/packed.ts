/**
 * Symbols as runs of zeros and values, which take about as much as the file that they are coded in: those that are kept and not worked on.
 *
 * After each other the zeros before a symbol that is not 0, and that symbol, each as a varint.
 */

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
  forEachPacked(packed, (at, symbol) => {
    modulation[at] = symbol * steps[at]!;
  });
  return modulation;
}

/** Symbols that `packSymbols` packed, written to `symbols`, all zeros before. */
export function unpackSymbols(packed: Uint8Array, symbols: Int32Array): void {
  forEachPacked(packed, (at, symbol) => {
    symbols[at] = symbol;
  });
}

function forEachPacked(packed: Uint8Array, visit: (at: number, symbol: number) => void): void {
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
    visit(at, value % 2 === 1 ? (value + 1) / 2 : -value / 2);
  }
}
