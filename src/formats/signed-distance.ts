/**
 * From a mesh to a truncated signed distance on a grid: below 0 inside. Closed solids by the parity of crossings along rays, each for itself;
 * others by the winding number (Jacobson, Kavan, Sorkine-Hornung 2013; van Oosterom and Strackee 1983 for the angle of a triangle).
 */
import { BadInputError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { Mesh, Point } from './mesh.ts';

/** Where a grid of n x n x n samples lies: sample i of an axis at start + step * i, axes x, y, z. */
export interface Cube {
  readonly start: Point;
  readonly step: number;
  readonly side: number;
}

/** Part of the cube's side that is left empty on each side of the longest side of a shape. */
const margin = 1 / 16;

export function cubeAround({ vertices }: Mesh, n: number): Cube {
  const low = [0, 1, 2].map((axis) => extreme(vertices, axis, Math.min));
  const high = [0, 1, 2].map((axis) => extreme(vertices, axis, Math.max));
  const longest = Math.max(...high.map((top, axis) => top - low[axis]!));
  if (!(longest > 0))
    throw new BadInputError('bad-shape', 'all its vertices are in one place, so it has no shape');
  const side = longest / (1 - 2 * margin);
  const step = side / n;
  const [x, y, z] = low.map((bottom, axis) => (bottom + high[axis]!) / 2 - side / 2 + step / 2);
  return { start: [x!, y!, z!], step, side };
}

/**
 * [z, y, x]: distances in sides of the cube, no further than `most`, below 0 inside. `notes` says which parts are not closed. Throws BadInputError
 * `open-mesh` with the number of bad columns where parts are open and too large for winding numbers; LimitError `limit-multiply-adds`.
 */
export function signedDistance(
  mesh: Mesh,
  n: number,
  { most, limits }: { readonly most: number; readonly limits: Limits },
): { readonly values: Float32Array; readonly cube: Cube; readonly notes: readonly string[] } {
  const cube = cubeAround(mesh, n);
  const values = distances(mesh, n, cube, most, limits);
  const notes: string[] = [];
  const inside = new Uint8Array(n ** 3);
  let open = 0;
  for (const solid of solidsOf(mesh)) {
    const { filled, badColumns } = byParity(mesh, solid, n, cube);
    if (badColumns === 0) {
      for (let p = 0; p < inside.length; p++) inside[p]! |= filled[p]!;
      continue;
    }
    open++;
    const work = n ** 3 * (solid.length / 3);
    if (work > mostAngles) {
      throw new BadInputError(
        'open-mesh',
        `a part of ${solid.length / 3} triangles is open or crosses itself in ${badColumns} of ${n * n} columns; close it, or give a smaller grid`,
      );
    }
    addByWinding(mesh, solid, n, cube, inside);
  }
  if (open > 0)
    notes.push(
      `${open} of its parts ${open === 1 ? 'is' : 'are'} not closed: what is inside of them is told by winding numbers`,
    );
  if (!inside.includes(1))
    notes.push(
      `nothing is inside of it at ${n} samples a side: it is flat, or thinner than they are apart; give it a thickness, or a finer grid with --grid`,
    );
  for (let p = 0; p < values.length; p++) if (inside[p] === 1) values[p] = -values[p]!;
  return { values, cube, notes };
}

/** Angles of triangles at samples, at most: some tens of seconds. */
const mostAngles = 2 ** 29;

/** Unsigned distances in sides of the cube, `most` where nothing is as near. */
function distances(
  mesh: Mesh,
  n: number,
  { start, step, side }: Cube,
  most: number,
  limits: Limits,
): Float32Array {
  const reach = most * side;
  const values = new Float32Array(n ** 3).fill(most);
  const boxes: (readonly [triangle: number, from: number[], to: number[]])[] = [];
  let work = 0;
  for (let t = 0; t < mesh.triangles.length; t += 3) {
    const corners = cornersOf(mesh, t);
    const from: number[] = [];
    const to: number[] = [];
    for (let axis = 0; axis < 3; axis++) {
      const own = corners.map((corner) => (corner[axis]! - start[axis]!) / step);
      from.push(Math.max(0, Math.ceil(Math.min(...own) - reach / step)));
      to.push(Math.min(n - 1, Math.floor(Math.max(...own) + reach / step)));
    }
    work += from.reduce((all, first, axis) => all * Math.max(0, to[axis]! - first + 1), 1);
    boxes.push([t, from, to]);
  }
  checkLimit(
    'multiply-adds',
    100 * work,
    limits.maxMultiplyAdds,
    'give a smaller grid, or a mesh of fewer triangles',
  );
  for (const [t, from, to] of boxes) {
    const corners = cornersOf(mesh, t);
    for (let z = from[2]!; z <= to[2]!; z++)
      for (let y = from[1]!; y <= to[1]!; y++)
        for (let x = from[0]!; x <= to[0]!; x++) {
          const at: Point = [start[0] + step * x, start[1] + step * y, start[2] + step * z];
          const p = (z * n + y) * n + x;
          const distance = toTriangle(at, corners) / side;
          if (distance < values[p]!) values[p] = distance;
        }
  }
  return values;
}

/** Triangles [solid, 3 per triangle] that share vertices, directly or through others; vertices in one place are one. */
function solidsOf({ vertices, triangles }: Mesh): Uint32Array[] {
  const places = new Map<string, number>();
  const parent: number[] = [];
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const vertexAt = Array.from({ length: vertices.length / 3 }, (_, v) => {
    const key = `${vertices[3 * v]},${vertices[3 * v + 1]},${vertices[3 * v + 2]}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    parent.push(parent.length);
    places.set(key, parent.length - 1);
    return parent.length - 1;
  });
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => root(vertexAt[triangles[t + k]!]!)) as [number, number, number];
    parent[b] = a;
    parent[root(c)] = a;
  }
  const solids = new Map<number, number[]>();
  for (let t = 0; t < triangles.length; t += 3) {
    const own = root(vertexAt[triangles[t]!]!);
    const list = solids.get(own) ?? [];
    list.push(triangles[t]!, triangles[t + 1]!, triangles[t + 2]!);
    solids.set(own, list);
  }
  return [...solids.values()].map((list) => Uint32Array.from(list));
}

/** Rays pass beside samples by these parts of a step: edges and vertices that lie on the grid are not hit. */
const aside = [1.234e-4, 2.718e-4];

/** Samples between the first and second crossing of a ray along z, the third and fourth, and so on. */
function byParity(mesh: Mesh, solid: Uint32Array, n: number, { start, step }: Cube) {
  const crossings = new Map<number, number[]>();
  for (let t = 0; t < solid.length; t += 3) {
    const [a, b, c] = cornersOf({ ...mesh, triangles: solid }, t);
    const us = [a, b, c].map((p) => (p[0] - start[0]) / step - aside[0]!);
    const vs = [a, b, c].map((p) => (p[1] - start[1]) / step - aside[1]!);
    const area = (us[1]! - us[0]!) * (vs[2]! - vs[0]!) - (us[2]! - us[0]!) * (vs[1]! - vs[0]!);
    if (area === 0) continue;
    for (
      let y = Math.max(0, Math.ceil(Math.min(...vs)));
      y <= Math.min(n - 1, Math.floor(Math.max(...vs)));
      y++
    )
      for (
        let x = Math.max(0, Math.ceil(Math.min(...us)));
        x <= Math.min(n - 1, Math.floor(Math.max(...us)));
        x++
      ) {
        const wb = ((x - us[0]!) * (vs[2]! - vs[0]!) - (us[2]! - us[0]!) * (y - vs[0]!)) / area;
        const wc = ((us[1]! - us[0]!) * (y - vs[0]!) - (x - us[0]!) * (vs[1]! - vs[0]!)) / area;
        if (wb < 0 || wc < 0 || wb + wc > 1) continue;
        const z = a[2] + wb * (b[2] - a[2]) + wc * (c[2] - a[2]);
        const column = crossings.get(y * n + x) ?? [];
        column.push((z - start[2]) / step);
        crossings.set(y * n + x, column);
      }
  }
  const filled = new Uint8Array(n ** 3);
  let badColumns = 0;
  for (const [column, found] of crossings) {
    if (found.length % 2 === 1) badColumns++;
    found.sort((p, q) => p - q);
    for (let i = 0; i + 1 < found.length; i += 2)
      for (let z = Math.max(0, Math.ceil(found[i]!)); z <= Math.min(n - 1, Math.floor(found[i + 1]!)); z++)
        filled[z * n * n + column] = 1;
  }
  return { filled, badColumns };
}

/** Samples around which the triangles of a part turn by half of a sphere and more. */
function addByWinding(
  mesh: Mesh,
  solid: Uint32Array,
  n: number,
  { start, step }: Cube,
  inside: Uint8Array,
): void {
  const corners = Array.from({ length: solid.length / 3 }, (_, t) =>
    cornersOf({ ...mesh, triangles: solid }, 3 * t),
  );
  for (let p = 0; p < inside.length; p++) {
    if (inside[p] === 1) continue;
    const at: Point = [
      start[0] + step * (p % n),
      start[1] + step * (Math.floor(p / n) % n),
      start[2] + step * Math.floor(p / (n * n)),
    ];
    let angle = 0;
    for (const [a, b, c] of corners) angle += solidAngle(minus(a, at), minus(b, at), minus(c, at));
    // faces that are all turned inside out say the same
    if (Math.abs(angle) > 2 * Math.PI) inside[p] = 1;
  }
}

function solidAngle(a: Point, b: Point, c: Point): number {
  const [la, lb, lc] = [Math.hypot(...a), Math.hypot(...b), Math.hypot(...c)];
  const triple =
    a[0] * (b[1] * c[2] - b[2] * c[1]) -
    a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0]);
  return 2 * Math.atan2(triple, la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb);
}

/** Ericson, Real-Time Collision Detection, section 5.1.5. */
function toTriangle(p: Point, [a, b, c]: readonly [Point, Point, Point]): number {
  const [ab, ac, ap] = [minus(b, a), minus(c, a), minus(p, a)];
  const [d1, d2] = [dot(ab, ap), dot(ac, ap)];
  if (d1 <= 0 && d2 <= 0) return Math.hypot(...ap);
  const bp = minus(p, b);
  const [d3, d4] = [dot(ab, bp), dot(ac, bp)];
  if (d3 >= 0 && d4 <= d3) return Math.hypot(...bp);
  const cp = minus(p, c);
  const [d5, d6] = [dot(ab, cp), dot(ac, cp)];
  if (d6 >= 0 && d5 <= d6) return Math.hypot(...cp);
  const onEdge = (from: Point, along: Point, share: number) =>
    Math.hypot(
      p[0] - from[0] - share * along[0],
      p[1] - from[1] - share * along[1],
      p[2] - from[2] - share * along[2],
    );
  const vc = d1 * d4 - d3 * d2;
  if (vc <= 0 && d1 >= 0 && d3 <= 0) return onEdge(a, ab, d1 / (d1 - d3 || 1));
  const vb = d5 * d2 - d1 * d6;
  if (vb <= 0 && d2 >= 0 && d6 <= 0) return onEdge(a, ac, d2 / (d2 - d6 || 1));
  const va = d3 * d6 - d5 * d4;
  if (va <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0)
    return onEdge(b, minus(c, b), (d4 - d3) / (d4 - d3 + d5 - d6 || 1));
  const [v, w] = [vb / (va + vb + vc), vc / (va + vb + vc)];
  return Math.hypot(...[0, 1, 2].map((i) => p[i]! - a[i]! - v * ab[i]! - w * ac[i]!));
}

function cornersOf({ vertices, triangles }: Mesh, t: number): readonly [Point, Point, Point] {
  const corner = (k: number): Point => {
    const v = 3 * triangles[t + k]!;
    return [vertices[v]!, vertices[v + 1]!, vertices[v + 2]!];
  };
  return [corner(0), corner(1), corner(2)];
}

function minus(a: Point, b: Point): Point {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a: Point, b: Point): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function extreme(vertices: Float64Array, axis: number, of: (a: number, b: number) => number): number {
  let found = vertices[axis]!;
  for (let i = axis; i < vertices.length; i += 3) found = of(found, vertices[i]!);
  return found;
}
