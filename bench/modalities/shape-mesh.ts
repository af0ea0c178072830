/** The surface of a signed distance, as shapes are compared by it. */
import { surfaceOf } from '../../src/formats/marching-cubes.ts';
import type { Mesh } from '../../src/formats/mesh.ts';
import { signalRows } from '../../src/signal/rows.ts';
import type { Signal } from '../../src/signal/signal.ts';

/** In a cube from -1 to 1. */
export function meshOf({ shape, channels }: Signal, values: Float32Array): Promise<Mesh> {
  return surfaceOf(signalRows({ shape, channels, values }));
}
