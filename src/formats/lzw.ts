/** LZW as TIFF has it (TIFF 6.0, section 13): codes of 9 to 12 bits, the most significant bit first. */

const [clear, end, firstFree, mostCodes] = [256, 257, 258, 4096];

/** At most `most` bytes of what `packed` stands for; what follows is not looked at. Throws RangeError for a code that there is not. */
export function unpackLzw(packed: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(most);
  /** Of each code, the code that it goes on from, its last byte, its first byte and its length. */
  const before = new Uint16Array(mostCodes);
  const last = new Uint8Array(mostCodes);
  const first = new Uint8Array(mostCodes);
  const lengths = new Uint16Array(mostCodes);
  for (let byte = 0; byte < 256; byte++) [last[byte], first[byte], lengths[byte]] = [byte, byte, 1];
  let [next, width, previous] = [firstFree, 9, -1];
  let [bits, held, read, at] = [0, 0, 0, 0];
  while (at < most) {
    while (held < width && read < packed.length) {
      bits = ((bits << 8) | packed[read++]!) & 0xff_ffff;
      held += 8;
    }
    if (held < width) break;
    held -= width;
    const code = (bits >> held) & ((1 << width) - 1);
    if (code === end) break;
    if (code === clear) {
      [next, width, previous] = [firstFree, 9, -1];
      continue;
    }
    const isKnown = code < next && code !== clear;
    if (!isKnown && (previous < 0 || code !== next)) throw new RangeError(`there is no code ${code} yet`);
    if (previous >= 0 && next < mostCodes) {
      before[next] = previous;
      first[next] = first[previous]!;
      last[next] = first[isKnown ? code : previous]!;
      lengths[next] = lengths[previous]! + 1;
      next++;
      // one code early, as every writer of TIFF does
      if (next + 1 === 1 << width && width < 12) width++;
    }
    let own = code;
    const length = lengths[code]!;
    for (let i = length - 1; i >= 0; i--) {
      if (at + i < most) out[at + i] = last[own]!;
      own = before[own]!;
    }
    at += length;
    previous = code;
  }
  return out.subarray(0, Math.min(at, most));
}
