/** Surfaces of triangles, and the text and binary files that hold them: OBJ (Wavefront), STL. */
import { BadStreamError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';

export interface Mesh {
  /** [vertices, 3]. */
  readonly vertices: Float64Array;
  /** [triangles, 3]: numbers of vertices. */
  readonly triangles: Uint32Array;
}

/** Vertices and triangles of a mesh, at most: files that use a part many times hold more than their bytes. */
const mostCorners = 2 ** 23;

/** Gathers vertices and faces; lists grow with what is read and no faster. Throws LimitError `limit-mesh`. */
export class MeshBuilder {
  readonly #vertices: number[] = [];
  readonly #triangles: number[] = [];

  get vertices(): number {
    return this.#vertices.length / 3;
  }

  vertex(x: number, y: number, z: number): void {
    this.#vertices.push(x, y, z);
    checkLimit('mesh', this.vertices, mostCorners, 'give a mesh of fewer vertices');
  }

  /** A face of three or more corners, as triangles around the first. `at`: where it stands. Throws BadStreamError `bad-mesh`. */
  face(corners: readonly number[], at: number): void {
    const bad = corners.find(
      (corner) => !(Number.isSafeInteger(corner) && corner >= 0 && corner < this.vertices),
    );
    if (bad !== undefined)
      throw new BadStreamError(
        'bad-mesh',
        at,
        `a face has corner ${bad}, and ${this.vertices} vertices were read`,
      );
    checkLimit('mesh', this.#triangles.length, 3 * mostCorners, 'give a mesh of fewer triangles');
    for (let i = 2; i < corners.length; i++) this.#triangles.push(corners[0]!, corners[i - 1]!, corners[i]!);
  }

  /** Throws BadStreamError `bad-mesh` for coordinates that are no numbers, and for a mesh without faces. */
  mesh(): Mesh {
    const vertices = Float64Array.from(this.#vertices);
    if (!vertices.every(Number.isFinite)) throw new BadStreamError('bad-mesh', 0, 'a vertex is not finite');
    if (this.#triangles.length === 0) throw new BadStreamError('bad-mesh', 0, 'it has no faces, so no shape');
    return { vertices, triangles: Uint32Array.from(this.#triangles) };
  }
}

/** OBJ: vertices and polygons; everything else is passed over. Throws BadStreamError `bad-mesh`. */
export function readObj(bytes: Uint8Array): Mesh {
  const builder = new MeshBuilder();
  const text = new TextDecoder().decode(bytes);
  let at = 0;
  // a line that ends in \ goes on
  for (const line of text.replace(/\\\r?\n/g, ' ').split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'v') builder.vertex(Number(rest[0]), Number(rest[1]), Number(rest[2]));
    else if (word === 'f') {
      const corners = rest.map((corner) => {
        const number = Number.parseInt(corner, 10);
        return number < 0 ? builder.vertices + number : number - 1;
      });
      if (corners.length < 3) throw new BadStreamError('bad-mesh', at, 'a face has fewer than three corners');
      builder.face(corners, at);
    }
    at += line.length + 1;
  }
  return builder.mesh();
}

const stlHeader = 84;
const stlTriangle = 50;

/** Whether bytes are as long as the number of triangles that a binary STL file says. */
export function isBinaryStl(bytes: Uint8Array): boolean {
  if (bytes.length < stlHeader + stlTriangle) return false;
  const count = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(80, true);
  return bytes.length === stlHeader + stlTriangle * count;
}

/** STL, binary or of text; what either calls normals is passed over. Throws BadStreamError `bad-mesh`, `truncated`. */
export function readStl(bytes: Uint8Array): Mesh {
  const builder = new MeshBuilder();
  if (isBinaryStl(bytes)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = stlHeader; at < bytes.length; at += stlTriangle) {
      for (let corner = 0; corner < 3; corner++) {
        const [x, y, z] = [0, 4, 8].map((own) => view.getFloat32(at + 12 + 12 * corner + own, true));
        builder.vertex(x!, y!, z!);
      }
      builder.face(
        [1, 2, 3].map((back) => builder.vertices - 4 + back),
        at,
      );
    }
    return builder.mesh();
  }
  const text = new TextDecoder().decode(bytes);
  if (!/^\s*solid/.test(text) || !/\bfacet\b/.test(text)) {
    const wanted =
      bytes.length < stlHeader ? '' : `; it says ${bytes.length} bytes of another number of triangles`;
    throw new BadStreamError(
      'truncated',
      bytes.length,
      `neither a whole binary STL file nor one of text${wanted}`,
    );
  }
  let corners = 0;
  for (const found of text.matchAll(/\bvertex\s+(\S+)\s+(\S+)\s+(\S+)|\bendfacet\b/g)) {
    if (found[1] !== undefined) {
      builder.vertex(Number(found[1]), Number(found[2]), Number(found[3]));
      corners++;
    } else {
      builder.face(
        Array.from({ length: corners }, (_, i) => builder.vertices - corners + i),
        found.index,
      );
      corners = 0;
    }
  }
  return builder.mesh();
}

/** OBJ of a mesh, to six digits. */
export function* objText({ vertices, triangles }: Mesh): Generator<string> {
  for (let v = 0; v < vertices.length; v += 3)
    yield `v ${short(vertices[v]!)} ${short(vertices[v + 1]!)} ${short(vertices[v + 2]!)}\n`;
  for (let t = 0; t < triangles.length; t += 3)
    yield `f ${triangles[t]! + 1} ${triangles[t + 1]! + 1} ${triangles[t + 2]! + 1}\n`;
}

/** Binary STL of a mesh. */
export function stlBytes({ vertices, triangles }: Mesh): Uint8Array {
  const view = new DataView(new ArrayBuffer(stlHeader + (stlTriangle * triangles.length) / 3));
  view.setUint32(80, triangles.length / 3, true);
  for (let t = 0; 3 * t < triangles.length; t++) {
    const at = stlHeader + stlTriangle * t;
    const [a, b, c] = [0, 1, 2].map((k) => {
      const v = 3 * triangles[3 * t + k]!;
      return [vertices[v]!, vertices[v + 1]!, vertices[v + 2]!] as const;
    }) as [Point, Point, Point];
    for (const [i, v] of [...normalOf(a, b, c), ...a, ...b, ...c].entries())
      view.setFloat32(at + 4 * i, v, true);
  }
  return new Uint8Array(view.buffer);
}

export type Point = readonly [number, number, number];

function normalOf(a: Point, b: Point, c: Point): Point {
  const [u, v] = [minus(b, a), minus(c, a)];
  const n: Point = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const long = Math.hypot(...n) || 1;
  return [n[0] / long, n[1] / long, n[2] / long];
}

function minus(a: Point, b: Point): Point {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function short(value: number): string {
  return String(Number(value.toPrecision(7)));
}
