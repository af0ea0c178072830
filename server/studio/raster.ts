/** Very many points on a canvas, drawn by hand: a hundred thousand of them take a few milliseconds, wherever there is a canvas. */

/** Points as they are drawn: [n] each, in order; the later is above the earlier. */
export interface Cloud {
  /** From -1 to 1. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Which colour of the palette. */
  readonly colour: Uint8Array;
}

/** How the square from -1 to 1 lies on the canvas, in its dots. */
export interface Placing {
  readonly centreX: number;
  readonly centreY: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
}

/** Draws points as squares of `side` dots into `dots` [height, width], which is made blank first. */
export function drawCloud(
  { x, y, colour }: Cloud,
  { centreX, centreY, halfWidth, halfHeight }: Placing,
  palette: Uint32Array,
  { dots, width, side }: { readonly dots: Uint32Array; readonly width: number; readonly side: number },
): void {
  dots.fill(0);
  const height = dots.length / width;
  const before = (side - 1) / 2;
  for (let i = 0; i < x.length; i++) {
    const left = Math.round(centreX + x[i]! * halfWidth - before);
    const top = Math.round(centreY + y[i]! * halfHeight - before);
    if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
    const ink = palette[colour[i]!]!;
    for (let row = top; row < top + side; row++) {
      const at = row * width + left;
      for (let column = at; column < at + side; column++) dots[column] = ink;
    }
  }
}

/** So many colours that are told apart, as a canvas holds them; of one lightness, for light and dark grounds. */
export function paletteOf(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => {
    const [red, green, blue] = [0, 8, 4].map((n) => {
      const k = (n + (12 * i) / count) % 12;
      return Math.round(255 * (0.55 - 0.26 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
    }) as [number, number, number];
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}
