/** A picture that is drawn in. */
export class Canvas {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;

  constructor(height: number, width: number, light = 1) {
    this.height = height;
    this.width = width;
    this.values = new Float32Array(height * width * 3).fill(light);
  }

  put(y: number, x: number, [r, g, b]: readonly [number, number, number]): void {
    this.values.set([r, g, b], (y * this.width + x) * 3);
  }
}
