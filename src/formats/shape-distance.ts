/** How much two shapes differ: of what is inside, and of their surfaces. */
import { BadInputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Mesh, Point } from './mesh.ts';

/** Samples below 0 in both over those below 0 in either, of signed distances on one grid; 1 where neither has any. Throws BadInputError `bad-shape`. */
export function intersectionOverUnion(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length)
    throw new BadInputError('bad-shape', `${a.length} and ${b.length} samples are not of one grid`);
  let [both, either] = [0, 0];
  for (let p = 0; p < a.length; p++) {
    const [inA, inB] = [a[p]! < 0, b[p]! < 0];
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return either === 0 ? 1 : both / either;
}

/**
 * Mean distance of points of each surface to the nearest point of the other, both ways, averaged (the symmetric Chamfer distance, not squared), in
 * the unit of the vertices. `points` are drawn evenly over each surface, so that shapes nearer than their spacing are not told apart.
 */
export function chamferDistance(
  a: Mesh,
  b: Mesh,
  { points = 2000, seed = 1 }: { readonly points?: number; readonly seed?: number } = {},
): number {
  const [as, bs] = [surfacePoints(a, points, new Rng(seed, 0)), surfacePoints(b, points, new Rng(seed, 1))];
  return (meanNearest(as, bs) + meanNearest(bs, as)) / 2;
}

/** [points]: drawn by area. */
function surfacePoints({ vertices, triangles }: Mesh, points: number, rng: Rng): Point[] {
  const sums = new Float64Array(triangles.length / 3);
  let all = 0;
  const corner = (t: number, k: number): Point => {
    const v = 3 * triangles[3 * t + k]!;
    return [vertices[v]!, vertices[v + 1]!, vertices[v + 2]!];
  };
  for (let t = 0; t < sums.length; t++) {
    const [p, q, r] = [corner(t, 0), corner(t, 1), corner(t, 2)];
    const [u, v] = [minus(q, p), minus(r, p)];
    all += Math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]);
    sums[t] = all;
  }
  return Array.from({ length: points }, () => {
    const at = all * rng.uniform();
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    let [s, t] = [rng.uniform(), rng.uniform()];
    if (s + t > 1) [s, t] = [1 - s, 1 - t];
    const [p, q, r] = [corner(low, 0), corner(low, 1), corner(low, 2)];
    const along = (i: 0 | 1 | 2) => p[i] + s * (q[i] - p[i]) + t * (r[i] - p[i]);
    return [along(0), along(1), along(2)];
  });
}

function meanNearest(from: readonly Point[], to: readonly Point[]): number {
  let sum = 0;
  for (const p of from) {
    let least = Number.POSITIVE_INFINITY;
    for (const q of to) {
      const d = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2;
      if (d < least) least = d;
    }
    sum += Math.sqrt(least);
  }
  return sum / from.length;
}

function minus(a: Point, b: Point): Point {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}
