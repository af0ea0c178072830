import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { outputsOfKind } from '../field/kinds.ts';
import type { Output } from '../field/outputs.ts';
import { signalRows } from '../signal/rows.ts';
import { signalChunks } from './formats.ts';
import { surfaceOf } from './marching-cubes.ts';
import { type Mesh, readObj, readStl, stlBytes } from './mesh.ts';
import { readSignalAs, readSignalShape } from './read.ts';
import { chamferDistance, intersectionOverUnion } from './shape-distance.ts';
import { signedDistance } from './signed-distance.ts';
import { readVrml } from './vrml.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const text = (own: string) => new TextEncoder().encode(own);
const distance: Output = { name: 'distance', offset: 0, scale: 0.1, low: -0.1, peak: 0.2, sample: 'float32' };
const read = (bytes: Uint8Array, told = 'a.obj', more: object = {}) =>
  readSignalAs(bytes, { id: 'x', axes: 3, outputs: [distance], told, ...more });
/** Edges of one triangle alone; of a closed surface none, with faces all turned alike. */
function openEdges({ triangles }: Mesh): number {
  const seen = new Map<string, number>();
  for (let t = 0; t < triangles.length; t += 3)
    for (let k = 0; k < 3; k++) {
      const [a, b] = [triangles[t + k]!, triangles[t + ((k + 1) % 3)]!];
      const key = a < b ? `${a} ${b}` : `${b} ${a}`;
      seen.set(key, (seen.get(key) ?? 0) + (a < b ? 1 : -1));
    }
  return [...seen.values()].filter((n) => n !== 0).length;
}
/** Positive where faces are turned outwards. */
function volumeOf({ vertices, triangles }: Mesh): number {
  let sum = 0;
  const at = (v: number) => [vertices[3 * v]!, vertices[3 * v + 1]!, vertices[3 * v + 2]!] as const;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [at(triangles[t]!), at(triangles[t + 1]!), at(triangles[t + 2]!)];
    sum +=
      a[0] * (b[1] * c[2] - b[2] * c[1]) -
      a[1] * (b[0] * c[2] - b[2] * c[0]) +
      a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return sum / 6;
}
const sphere = (n: number, radius: number) =>
  Float32Array.from({ length: n ** 3 }, (_, p) => {
    const at = [p % n, Math.floor(p / n) % n, Math.floor(p / (n * n))].map((i) => (2 * (i + 0.5)) / n - 1);
    return Math.hypot(...at) - radius;
  });
const cubeText = `# a cube of 2
${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `v ${[i & 1, (i >> 1) & 1, i >> 2].map((bit) => 2 * bit - 1).join(' ')}`).join('\n')}
f 1/1/1 3/2/1 4/3/1 2/4/1
f 5 6 8 7
f 1 2 6 5
f 3 7 8 4
f -8 -4 -2 -6
f 2 4 8 6
`;

describe('the surface of a signed distance', () => {
  it.each([8, 16, 31])(
    'of a sphere on %i samples a side is closed, turned outwards, and as large',
    async (n) => {
      const mesh = await surfaceOf(signalRows({ shape: [n, n, n], channels: 1, values: sphere(n, 0.6) }));
      expect(openEdges(mesh)).toBe(0);
      expect(volumeOf(mesh)).toBeGreaterThan(0);
      expect(volumeOf(mesh) / ((4 / 3) * Math.PI * 0.6 ** 3)).toBeCloseTo(1, n > 8 ? 1 : 0);
      for (let v = 0; v < mesh.vertices.length; v += 3)
        expect(Math.hypot(...mesh.vertices.subarray(v, v + 3))).toBeCloseTo(0.6, n > 8 ? 2 : 1);
    },
  );

  it('of whatever values is closed where it does not reach the border', async () => {
    const n = 9;
    let state = 7;
    const values = new Float32Array(n ** 3).map((_, p) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const edge = [p % n, Math.floor(p / n) % n, Math.floor(p / 81)].some((i) => i === 0 || i === n - 1);
      return edge ? 1 : state / 0x40000000 - 1;
    });
    const mesh = await surfaceOf(signalRows({ shape: [n, n, n], channels: 1, values }));
    expect(mesh.triangles.length).toBeGreaterThan(1000);
    expect(openEdges(mesh)).toBe(0);
  });

  it('lies where the axes say, outwards whichever way they go', async () => {
    const axes = ['z', 'y', 'x'].map((name) => ({ name, start: 10, step: name === 'x' ? -0.5 : 0.5 }));
    const mesh = await surfaceOf(
      signalRows({ shape: [16, 16, 16], channels: 1, values: sphere(16, 0.5), axes }),
    );
    expect(volumeOf(mesh)).toBeGreaterThan(0);
    expect(Math.max(...mesh.vertices.filter((_, i) => i % 3 === 0))).toBeLessThan(10);
    expect(Math.min(...mesh.vertices.filter((_, i) => i % 3 === 1))).toBeGreaterThan(10);
  });
});

describe('a mesh', () => {
  it('of polygons with every way of numbering is a cube', async () => {
    const mesh = readObj(text(cubeText));
    expect(openEdges(mesh)).toBe(0);
    expect(Math.abs(volumeOf(mesh))).toBeCloseTo(8, 9);
    const { values, axes, notes } = await read(text(cubeText));
    expect(notes).toBeUndefined();
    const inside = values.filter((v) => v < 0).length / values.length;
    expect(inside).toBeCloseTo((1 - 2 / 16) ** 3, 1);
    // the middle is farther from the faces than distances go
    expect(values[(16 * 32 + 16) * 32 + 16]).toBe(Math.fround(-0.1));
    expect(axes![0]!.step).toBeCloseTo(2 / (1 - 1 / 8) / 32, 9);
  });

  it.each(['bench.obj', 'part.stl', 'part-text.stl'])('%s comes back at its distance', async (name) => {
    const mesh = name.endsWith('.obj') ? readObj(file(name)) : readStl(file(name));
    const signal = await read(file(name), name, { grid: 48 });
    const back = await surfaceOf(signalRows(signal));
    const { axes } = signal;
    expect(openEdges(back)).toBe(0);
    expect(chamferDistance(mesh, back, { points: 600 })).toBeLessThan(2.5 * axes![0]!.step!);
  });

  it('of binary and of text is the same', () => {
    const [binary, plain] = [readStl(file('part.stl')), readStl(file('part-text.stl'))];
    expect(binary.triangles.length).toBe(plain.triangles.length);
    binary.vertices.forEach((v, i) => void expect(plain.vertices[i]).toBeCloseTo(v, 4));
  });

  it('that is open is filled by winding numbers, which is said; a huge one is refused with the count of bad columns', () => {
    const open = readObj(text(cubeText.replace('f 5 6 8 7\n', '')));
    const limits = defaultLimits;
    const { values, notes } = signedDistance(open, 16, { most: 0.1, limits });
    expect(notes[0]).toContain('1 of its parts is not closed');
    expect(values[(7 * 16 + 7) * 16 + 7]).toBeLessThan(0);
    // a sheet with a bump, of more triangles than winding numbers are computed for
    const n = 33;
    const sheet = Array.from({ length: (n + 1) ** 2 }, (_, i) => {
      const [x, y] = [i % (n + 1), Math.floor(i / (n + 1))];
      return `v ${x} ${y} ${5 * Math.sin(x / 9) * Math.sin(y / 9)}`;
    });
    const quads = Array.from({ length: n * n }, (_, i) => {
      const at = Math.floor(i / n) * (n + 1) + (i % n) + 1;
      return `f ${at} ${at + 1} ${at + n + 2} ${at + n + 1}`;
    });
    const many = readObj(text([...sheet, ...quads].join('\n')));
    expect(() => signedDistance(many, 64, { most: 0.01, limits })).toThrow(/\d+ of 4096 columns/);
  });

  it('that is flat says that nothing is inside of it', async () => {
    const flat = text('v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\nf 4 3 2 1\n');
    const { values, notes } = await read(flat);
    expect(values.some((v) => v < 0)).toBe(false);
    expect(notes!.join()).toContain('nothing is inside of it at 32 samples a side: it is flat');
    expect((await read(file('part.stl'), 'part.stl')).notes).toBeUndefined();
  });

  it('has the shape of its grid, within the limits', async () => {
    const asked = { axes: 3, outputs: [distance], limits: defaultLimits, told: 'a.obj' };
    expect(await readSignalShape(text(cubeText), asked)).toEqual([32, 32, 32]);
    expect(await readSignalShape(text(cubeText), { ...asked, grid: 20 })).toEqual([20, 20, 20]);
    const limits = { ...defaultLimits, maxSamples: 1000 };
    await expect(read(text(cubeText), 'a.obj', { limits })).rejects.toMatchObject({ code: 'limit-samples' });
    await expect(read(text(cubeText), 'a.obj', { grid: 4 })).rejects.toMatchObject({ code: 'bad-size' });
  });

  it.each([
    ['without faces', text('v 0 0 0\nv 1 0 0\n'), 'a.obj', 'bad-mesh'],
    ['with a face of two corners', text('v 0 0 0\nv 1 0 0\nf 1 2\n'), 'a.obj', 'bad-mesh'],
    ['with a corner that is not there', text('v 0 0 0\nf 1 2 3\n'), 'a.obj', 'bad-mesh'],
    ['with a vertex that is no number', text('v 0 0 x\nv 0 1 0\nv 1 0 0\nf 1 2 3\n'), 'a.obj', 'bad-mesh'],
    ['at an infinite place', text('v 0 0 1e999\nv 0 1 0\nv 1 0 0\nf 1 2 3\n'), 'a.obj', 'bad-mesh'],
    ['all in one place', text('v 0 0 0\nf 1 1 1\n'), 'a.obj', 'bad-shape'],
    ['that is cut off', file('part.stl').subarray(0, -10), 'a.stl', 'unknown-format'],
    ['of text without faces', text('solid a\nfacet x\nendsolid a\n'), 'a.stl', 'bad-mesh'],
  ])('%s is refused', async (_what, bytes, told, code) => {
    await expect(read(bytes, told)).rejects.toMatchObject({ code });
  });

  it('that is cut off is told to be written anew, by the format of its name', async () => {
    const reading = read(file('part.stl').subarray(0, -10), 'a.stl');
    await expect(reading).rejects.toThrow(/it is named as STL: write it anew, whole/);
  });

  it('for a model of pictures is refused', async () => {
    const outputs = outputsOfKind('rgb', { offset: 0, scale: 1 });
    await expect(read(text(cubeText), 'a.obj', { axes: 2, outputs })).rejects.toMatchObject({
      code: 'not-a-shape-model',
    });
  });
});

describe('VRML', () => {
  const square =
    'IndexedFaceSet { coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, 0 1 0 ] } coordIndex [ 0 1 2 3 -1 ] }';
  const area = ({ vertices, triangles }: Mesh) => ({
    vertices: [...vertices].map((v) => Number(v.toFixed(6))),
    triangles: [...triangles],
  });

  it('places faces by the transforms around them, and uses nodes again by name', () => {
    const mesh = readVrml(
      text(`#VRML V2.0 utf8
# a comment { [
WorldInfo { title "a } [ text" info [ "x" "y" ] }
Transform { translation 10 0 0 rotation 0 0 1 1.5707963267948966 scale 2 2 2
  children [ DEF A Shape { appearance Appearance { material Material { diffuseColor 1 0.5 .5 } } geometry ${square} }
    Transform { translation 0 0 1 children USE A } ] }
`),
    );
    expect(area(mesh)).toEqual({
      vertices: [10, 0, 0, 10, 2, 0, 8, 2, 0, 8, 0, 0, 10, 0, 2, 10, 2, 2, 8, 2, 2, 8, 0, 2].map(
        (v) => v + 0,
      ),
      triangles: [0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7],
    });
  });

  it.each([
    ['no faces', '#VRML V2.0 utf8\nShape { }'],
    ['a node that is not closed', `#VRML V2.0 utf8\nShape { geometry ${square}`],
    ['a text that is not closed', '#VRML V2.0 utf8\nWorldInfo { title "x }'],
    ['a name that nothing has', '#VRML V2.0 utf8\nShape { geometry USE B }'],
    ['a prototype', '#VRML V2.0 utf8\nPROTO X [ ] { }'],
    [
      'a corner that is not there',
      `#VRML V2.0 utf8\nShape { geometry ${square.replace('2 3 -1', '2 9 -1')} }`,
    ],
    ['nodes too deep', `#VRML V2.0 utf8\n${'Group { children '.repeat(100)}${square}${'}'.repeat(100)}`],
  ])('with %s is refused', async (_what, own) => {
    await expect(read(text(own), 'a.wrl')).rejects.toMatchObject({ code: 'bad-mesh' });
  });

  it('of a thousand million uses is refused before it is laid out', () => {
    const lines = Array.from(
      { length: 9 },
      (_, i) => `DEF N${i + 1} Group { children [ ${`USE N${i} `.repeat(10)} ] }`,
    );
    expect(() =>
      readVrml(text(`#VRML V2.0 utf8\nDEF N0 Shape { geometry ${square} }\n${lines.join('\n')}`)),
    ).toThrow('too often');
  });
});

describe('a shape that is written', () => {
  it.each(['obj', 'stl'] as const)('as %s is read again, at any size', async (name) => {
    for (const n of [24, 40]) {
      const rows = signalRows({ shape: [n, n, n], channels: 1, values: sphere(n, 0.5) });
      const pieces: Uint8Array[] = [];
      for await (const piece of signalChunks(rows, name, [distance])) pieces.push(piece);
      const bytes = new Uint8Array(Buffer.concat(pieces));
      const mesh = name === 'obj' ? readObj(bytes) : readStl(bytes);
      expect(volumeOf(mesh)).toBeCloseTo((4 / 3) * Math.PI * 0.5 ** 3, 1);
      const { values } = await read(bytes, `a.${name}`);
      const radius = 0.5 * (1 - 2 / 16);
      const wanted = sphere(32, 2 * radius);
      expect(intersectionOverUnion(values, wanted)).toBeGreaterThan(0.95);
    }
  });

  it('with nothing inside is refused', async () => {
    const rows = signalRows({ shape: [4, 4, 4], channels: 1, values: new Float32Array(64).fill(1) });
    const pieces = signalChunks(rows, 'stl', [distance]);
    await expect(pieces[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'no-surface' });
  });
});

describe('distances of shapes', () => {
  it('are 0 and 1 of the same, and what they are of spheres inside each other', async () => {
    const meshOf = (radius: number) =>
      surfaceOf(signalRows({ shape: [32, 32, 32], channels: 1, values: sphere(32, radius) }));
    const [small, large] = [await meshOf(0.4), await meshOf(0.6)];
    expect(chamferDistance(small, small, { points: 500 })).toBeLessThan(0.06);
    expect(chamferDistance(small, large, { points: 500 })).toBeCloseTo(0.2, 1);
    expect(intersectionOverUnion(sphere(32, 0.4), sphere(32, 0.4))).toBe(1);
    expect(intersectionOverUnion(sphere(32, 0.4), sphere(32, 0.6))).toBeCloseTo((0.4 / 0.6) ** 3, 1);
    expect(intersectionOverUnion(sphere(8, -1), sphere(8, -1))).toBe(1);
    expect(() => intersectionOverUnion(sphere(8, 1), sphere(4, 1))).toThrow('not of one grid');
  });

  it('STL written of a mesh has the triangles of it', async () => {
    const mesh = readObj(text(cubeText));
    expect(volumeOf(readStl(stlBytes(mesh)))).toBeCloseTo(volumeOf(mesh), 5);
  });
});
