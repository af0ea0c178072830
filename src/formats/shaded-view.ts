/** A surface seen from above and to the side: rays through a signed distance, lit by its slope. */
import { Canvas } from './canvas.ts';

const side = 256;
/** Rows of a rotation: to the right, up, and towards the viewer, of axes x, y, z. */
const right = [0.8, 0.6, 0] as const;
const up = [-0.3, 0.4, 0.866] as const;
const towards = [0.52, -0.6928, 0.5] as const;
const light = [0.1, -0.6, 0.79] as const;
/** Half of the view: the cube from -1 to 1 is seen whole. */
const reach = 1.6;

export function shadedView(shape: readonly [number, number, number], values: Float32Array): Canvas {
  const [depth, height, width] = shape;
  const canvas = new Canvas(side, side);
  /** Between samples on lines; outside of the grid nothing is inside. */
  const at = (x: number, y: number, z: number): number => {
    const [px, py, pz] = [
      ((x + 1) / 2) * width - 0.5,
      ((y + 1) / 2) * height - 0.5,
      ((z + 1) / 2) * depth - 0.5,
    ];
    const [ix, iy, iz] = [Math.floor(px), Math.floor(py), Math.floor(pz)];
    if (ix < 0 || iy < 0 || iz < 0 || ix + 1 >= width || iy + 1 >= height || iz + 1 >= depth) return 1;
    const [fx, fy, fz] = [px - ix, py - iy, pz - iz];
    const inSlice = height * width;
    const row = (p: number) => values[p]! + fx * (values[p + 1]! - values[p]!);
    const slice = (p: number) => row(p) + fy * (row(p + width) - row(p));
    const first = iz * inSlice + iy * width + ix;
    return slice(first) + fz * (slice(first + inSlice) - slice(first));
  };
  const step = 1.5 / Math.max(depth, height, width);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [u, v] = [((2 * column) / side - 1) * reach, (1 - (2 * row) / side) * reach];
      const along = (i: 0 | 1 | 2, t: number) => u * right[i] + v * up[i] + t * towards[i];
      const inRay = (t: number) => at(along(0, t), along(1, t), along(2, t));
      for (let t = reach; t > -reach; t -= step) {
        if (!(inRay(t) < 0)) continue;
        // the surface lies between this step and the one before
        let [inside, outside] = [t, t + step];
        for (let k = 0; k < 6; k++) {
          const middle = (inside + outside) / 2;
          if (inRay(middle) < 0) inside = middle;
          else outside = middle;
        }
        const [x, y, z] = [along(0, inside), along(1, inside), along(2, inside)];
        const slope = [
          at(x + step, y, z) - at(x - step, y, z),
          at(x, y + step, z) - at(x, y - step, z),
          at(x, y, z + step) - at(x, y, z - step),
        ];
        const long = Math.hypot(...slope) || 1;
        const lit = Math.max(
          0,
          slope.reduce((sum, s, i) => sum + (s / long) * light[i]!, 0),
        );
        const shade = 0.25 + 0.7 * lit;
        canvas.put(row, column, [0.75 * shade, 0.85 * shade, shade]);
        break;
      }
    }
  }
  return canvas;
}
