/** What is inside of shapes on a grid, a bit a sample, and how alike two of them are. */

export interface Solid {
  readonly bits: Uint32Array;
  readonly count: number;
}

/** Of signed distances, below 0 inside. */
export function insideOf(distances: Float32Array): Solid {
  const bits = new Uint32Array(Math.ceil(distances.length / 32));
  let count = 0;
  for (let i = 0; i < distances.length; i++) {
    if (!(distances[i]! < 0)) continue;
    bits[i >> 5]! |= 1 << (i & 31);
    count++;
  }
  return { bits, count };
}

/** Intersection over union; 0 where neither has any inside. */
export function iouOf(a: Solid, b: Solid): number {
  let both = 0;
  for (let i = 0; i < a.bits.length; i++) both += onesOf(a.bits[i]! & b.bits[i]!);
  const either = a.count + b.count - both;
  return either === 0 ? 0 : both / either;
}

/** The most alike of `among`, the one at `without` left out. */
export function nearestShape(
  solid: Solid,
  among: readonly Solid[],
  without?: number,
): { readonly index: number; readonly iou: number } {
  let best = { index: -1, iou: -1 };
  among.forEach((other, index) => {
    if (index === without) return;
    const iou = iouOf(solid, other);
    if (iou > best.iou) best = { index, iou };
  });
  return best;
}

/** Bits that are set. */
function onesOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
