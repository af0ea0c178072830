/** A surface seen from above and to the side. */
import { firstLook, surfaceOf } from '../field/surface.ts';
import { Canvas } from './canvas.ts';

const side = 256;

export function shadedView(shape: readonly [number, number, number], values: Float32Array): Canvas {
  const canvas = new Canvas(side, side);
  const light = surfaceOf(shape, values)({ width: side, height: side, ...firstLook });
  for (const [at, shade] of light.entries())
    if (shade > 0) canvas.put(Math.floor(at / side), at % side, [0.75 * shade, 0.85 * shade, shade]);
  return canvas;
}
