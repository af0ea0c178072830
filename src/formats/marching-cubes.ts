/**
 * The surface where values cross a level, by cubes between samples (Lorensen and Cline 1987). The table is made here: around each face of a
 * cube, corners below the level are cut off run by run, so that two cubes agree on the face they share and the surface is closed.
 */
import type { RowStream } from '../signal/rows.ts';
import { type Mesh, MeshBuilder } from './mesh.ts';

/** Corner `c` of a cube stands at bit 0 of c along x, bit 1 along y, bit 2 along z. */
const faces = [
  [0, 4, 6, 2],
  [1, 3, 7, 5],
  [0, 1, 5, 4],
  [2, 6, 7, 3],
  [0, 2, 3, 1],
  [4, 5, 7, 6],
] as const;

/** An edge by its corners, the lower one first: lower * 8 + higher. */
function edgeOf(a: number, b: number): number {
  return Math.min(a, b) * 8 + Math.max(a, b);
}

/** Loops of edges around what is inside, for each set of corners that are. */
const loops: readonly (readonly (readonly number[])[])[] = Array.from({ length: 256 }, (_, inside) =>
  loopsOf(inside),
);

function loopsOf(inside: number): number[][] {
  const isIn = (corner: number) => ((inside >> corner) & 1) === 1;
  const next = new Map<number, number>();
  for (const face of faces) {
    for (let i = 0; i < 4; i++) {
      if (isIn(face[i]!) || !isIn(face[(i + 1) % 4]!)) continue;
      // a run of corners that are inside: from the edge where it is entered to the one where it is left
      let last = (i + 1) % 4;
      while (isIn(face[(last + 1) % 4]!)) last = (last + 1) % 4;
      next.set(edgeOf(face[i]!, face[(i + 1) % 4]!), edgeOf(face[last]!, face[(last + 1) % 4]!));
    }
  }
  const found: number[][] = [];
  while (next.size > 0) {
    const loop: number[] = [];
    let [edge] = next.keys();
    while (edge !== undefined && next.has(edge)) {
      loop.push(edge);
      const to: number = next.get(edge)!;
      next.delete(edge);
      edge = to;
    }
    found.push(loop);
  }
  return found;
}

/**
 * The mesh around what is below `level` of a stream of one output and three axes [z, y, x]; a missing value is above it. Vertices are where the
 * axes say, else in a cube from -1 to 1. Two slices are held at a time, beside the mesh.
 */
export async function surfaceOf({ shape, axes, rows }: RowStream, level = 0): Promise<Mesh> {
  const [depth, height, width] = shape as readonly [number, number, number];
  const builder = new MeshBuilder();
  const place = (axis: number, at: number) => {
    const { start, step } = axes?.[axis] ?? {};
    if (start !== undefined && step !== undefined) return start + step * at;
    return (2 * (at + 0.5)) / shape[axis]! - 1;
  };
  const inSlice = height * width;
  let below: Float32Array | undefined;
  /** Vertices on edges of the slice below and of this one, by sample and direction. */
  let known = new Map<number, number>();
  let z = 0;
  const isMirrored = [0, 1, 2].filter((axis) => (axes?.[axis]?.step ?? 1) < 0).length % 2 === 1;
  const cube = (lower: Float32Array, upper: Float32Array, y: number, x: number) => {
    const value = (c: number) => (c & 4 ? upper : lower)[(y + ((c >> 1) & 1)) * width + x + (c & 1)]!;
    let inside = 0;
    for (let c = 0; c < 8; c++) if (value(c) < level) inside |= 1 << c;
    for (const loop of loops[inside]!) {
      const corners = loop.map((edge) => {
        const [a, b] = [edge >> 3, edge & 7];
        const sample = ((z - 1 + (a >> 2)) * inSlice + (y + ((a >> 1) & 1)) * width + x + (a & 1)) * 3;
        const key = sample + Math.log2(b - a);
        const found = known.get(key);
        if (found !== undefined) return found;
        const [va, vb] = [value(a), value(b)];
        const t = Number.isFinite(va) && Number.isFinite(vb) ? (level - va) / (vb - va) : 0.5;
        const along = (bit: number) => ((a >> bit) & 1) + t * (((b >> bit) & 1) - ((a >> bit) & 1));
        builder.vertex(place(2, x + along(0)), place(1, y + along(1)), place(0, z - 1 + along(2)));
        known.set(key, builder.vertices - 1);
        return builder.vertices - 1;
      });
      builder.face(isMirrored ? corners.reverse() : corners, 0);
    }
  };
  for await (const { rows: count, values } of rows) {
    for (let r = 0; r < count; r++, z++) {
      const slice = values.slice(r * inSlice, (r + 1) * inSlice);
      if (below !== undefined) {
        for (let y = 0; y + 1 < height; y++) for (let x = 0; x + 1 < width; x++) cube(below, slice, y, x);
        const from = z * inSlice * 3;
        known = new Map([...known].filter(([key]) => key >= from));
      }
      below = slice;
    }
  }
  return depth < 2 || builder.vertices === 0 ? emptyMesh : builder.mesh();
}

const emptyMesh: Mesh = { vertices: new Float64Array(0), triangles: new Uint32Array(0) };
