/** VRML 2.0 (ISO/IEC 14772-1), as far as it says surfaces: faces of IndexedFaceSet, where Transform nodes put them. */
import { BadStreamError } from '../core/errors.ts';
import { type Mesh, MeshBuilder, type Point } from './mesh.ts';

interface Node {
  readonly type: string;
  readonly fields: ReadonlyMap<string, Value>;
}
type Value = readonly (number | string | Node)[];

/** Nodes within nodes, at most. */
const mostDepth = 64;
/** Nodes that are visited, at most: a file may use one node many times within another. */
const mostVisits = 2 ** 16;

/** Throws BadStreamError `bad-mesh`. */
export function readVrml(bytes: Uint8Array): Mesh {
  const builder = new MeshBuilder();
  let visits = 0;
  const visit = (value: Value, place: (p: Point) => Point, depth: number): void => {
    for (const node of value) {
      if (typeof node !== 'object') continue;
      if (depth > mostDepth || ++visits > mostVisits)
        throw new BadStreamError('bad-mesh', 0, 'its nodes use each other too often');
      if (node.type === 'IndexedFaceSet') addFaces(builder, node, place);
      const within = node.type === 'Transform' ? placedBy(node, place) : place;
      for (const part of node.fields.values()) visit(part, within, depth + 1);
    }
  };
  visit(new Parser(new TextDecoder().decode(bytes)).scene(), (p) => p, 0);
  return builder.mesh();
}

function addFaces(builder: MeshBuilder, { fields }: Node, place: (p: Point) => Point): void {
  const [coord] = fields.get('coord') ?? [];
  const points = typeof coord === 'object' ? numbersOf(coord, 'point') : [];
  const first = builder.vertices;
  for (let i = 0; i + 2 < points.length; i += 3)
    builder.vertex(...place([points[i]!, points[i + 1]!, points[i + 2]!]));
  const isTurned = fields.get('ccw')?.[0] === 'FALSE';
  let face: number[] = [];
  const end = () => {
    if (face.length > 2) builder.face(isTurned ? face.reverse() : face, 0);
    face = [];
  };
  for (const index of fields.get('coordIndex') ?? []) {
    if (typeof index === 'number' && index < 0) end();
    else face.push(first + Number(index));
  }
  end();
}

/** Section 6.52, without centre and orientation of the scale: translation x rotation x scale. */
function placedBy(node: Node, outer: (p: Point) => Point): (p: Point) => Point {
  const [sx = 1, sy = 1, sz = 1] = numbersOf(node, 'scale');
  const [tx = 0, ty = 0, tz = 0] = numbersOf(node, 'translation');
  const [cx = 0, cy = 0, cz = 0] = numbersOf(node, 'center');
  const [ax = 0, ay = 0, az = 1, angle = 0] = numbersOf(node, 'rotation');
  const long = Math.hypot(ax, ay, az) || 1;
  const [x, y, z] = [ax / long, ay / long, az / long];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (p) => {
    const [a, b, c] = [(p[0] - cx) * sx, (p[1] - cy) * sy, (p[2] - cz) * sz];
    const along = (1 - cos) * (x * a + y * b + z * c);
    return outer([
      along * x + cos * a + sin * (y * c - z * b) + cx + tx,
      along * y + cos * b + sin * (z * a - x * c) + cy + ty,
      along * z + cos * c + sin * (x * b - y * a) + cz + tz,
    ]);
  };
}

function numbersOf({ fields }: Node, name: string): number[] {
  return (fields.get(name) ?? []).map(Number);
}

/** Numbers, names, texts and brackets; commas are spaces, and # begins a comment: there is one way to read each of them. */
const token = /[\s,]*(?:#[^\n]*(?:\n|$)[\s,]*)*([[\]{}]|"(?:[^"\\]|\\.)*"|[^\s,[\]{}"#]+|$)/y;

class Parser {
  readonly #text: string;
  readonly #named = new Map<string, Node>();
  #at = 0;
  #next: string;

  constructor(text: string) {
    this.#text = text;
    this.#next = this.#read();
  }

  scene(): Value {
    const nodes: Node[] = [];
    while (!this.#is('')) {
      if (this.#is('ROUTE')) for (let i = 0; i < 4; i++) this.#take();
      else nodes.push(this.#node(0));
    }
    return nodes;
  }

  #node(depth: number): Node {
    const word = this.#take();
    if (depth > mostDepth) throw this.#bad('nodes lie too deep within each other');
    if (word === 'USE') {
      const name = this.#take();
      const node = this.#named.get(name);
      if (node === undefined)
        throw this.#bad(`${JSON.stringify(name.slice(0, 40))} is used and was not defined`);
      return node;
    }
    if (word === 'PROTO' || word === 'EXTERNPROTO')
      throw this.#bad('prototypes are not read; save it as plain VRML or OBJ');
    const name = word === 'DEF' ? this.#take() : undefined;
    const type = name === undefined ? word : this.#take();
    const fields = new Map<string, Value>();
    this.#expect('{');
    while (!this.#is('}')) {
      const field = this.#take();
      if (!/^[A-Za-z_]/.test(field))
        throw this.#bad(`${JSON.stringify(field.slice(0, 40))} where the name of a field belongs`);
      fields.set(field, this.#value(depth + 1));
    }
    this.#take();
    const node = { type, fields };
    if (name !== undefined) this.#named.set(name, node);
    return node;
  }

  #value(depth: number): Value {
    const found: (number | string | Node)[] = [];
    if (this.#is('[')) {
      this.#take();
      while (!this.#is(']')) found.push(this.#item(depth));
      this.#take();
      return found;
    }
    // without brackets: one node, one word, or numbers and texts as many as there are
    if (/^[A-Za-z_]/.test(this.#next)) return [this.#item(depth)];
    while (/^[-+.\d"]/.test(this.#next)) found.push(this.#item(depth));
    if (found.length === 0) throw this.#bad('a field has no value');
    return found;
  }

  #item(depth: number): number | string | Node {
    if (/^[-+.\d]/.test(this.#next)) return Number(this.#take());
    if (this.#is('TRUE') || this.#is('FALSE') || this.#is('NULL') || this.#next.startsWith('"'))
      return this.#take();
    return this.#node(depth);
  }

  #is(word: string): boolean {
    return this.#next === word;
  }

  #expect(word: string): void {
    const found = this.#take();
    if (found !== word) throw this.#bad(`${JSON.stringify(found.slice(0, 40))} where ${word} belongs`);
  }

  #take(): string {
    const word = this.#next;
    if (word === '') throw this.#bad('it ends within a node');
    this.#next = this.#read();
    return word;
  }

  #read(): string {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (found === null) throw this.#bad('a text is not closed');
    this.#at = token.lastIndex;
    return found[1]!;
  }

  #bad(fault: string): BadStreamError {
    return new BadStreamError('bad-mesh', this.#at, fault);
  }
}
