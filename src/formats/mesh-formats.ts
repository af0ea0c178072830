/** Shapes: surfaces of triangles are read as a signed distance on a grid, and written as the surface where it is 0 (ADR 49). */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import type { Output } from '../field/outputs.ts';
import { type Signal, signalRows } from '../signal/index.ts';
import type { RowStream } from '../signal/rows.ts';
import {
  defaultGrid,
  leastGrid,
  mostGrid,
  type ReadOptions,
  type ShapeOptions,
  type SignalFormat,
} from './format.ts';
import { surfaceOf } from './marching-cubes.ts';
import { mediaTypes } from './media-types.ts';
import { isBinaryStl, type Mesh, objText, readObj, readStl, stlBytes } from './mesh.ts';
import { signedDistance } from './signed-distance.ts';
import { readVrml } from './vrml.ts';

/** How far distances go where no model says it, in sides of the cube: three samples of the usual grid. */
const usualReach = 3 / defaultGrid;

const shape = {
  raw: true,
  parts: ['grid'],
  fits: ({ axes, outputs }) => axes === 3 && outputs.length === 1 && isAround0(outputs[0]!),
  shapeOf: async (_bytes, options) => gridOf(options),
  likelyAxes: () => 3,
  channelsNeeded: () => 1,
  takes: (outputs) => outputs === 1,
  together: 'shapes beside each other',
} as const satisfies Partial<SignalFormat>;

const obj = {
  ...shape,
  name: 'obj',
  title: 'OBJ',
  mediaType: mediaTypes.obj,
  suffixes: ['.obj'],
  example: 'shape.obj',
  headless: true,
  sniff: () => false,
  read: async (bytes, options) => signalOfMesh(readObj, bytes, options),
  write: (rows, outputs) => objChunks([rows], outputs),
  writeAll: (signals, outputs) => objChunks(besideEachOther(signals), outputs),
} as const satisfies SignalFormat;

const stl = {
  ...shape,
  name: 'stl',
  title: 'STL',
  mediaType: mediaTypes.stl,
  suffixes: ['.stl'],
  example: 'shape.stl',
  sniff: (bytes) =>
    isBinaryStl(bytes) || /^\s*solid[^\n]*\s+facet\s/.test(String.fromCharCode(...bytes.subarray(0, 256))),
  read: async (bytes, options) => signalOfMesh(readStl, bytes, options),
  write: (rows, outputs) => stlChunks([rows], outputs),
  writeAll: (signals, outputs) => stlChunks(besideEachOther(signals), outputs),
} as const satisfies SignalFormat;

const vrml = {
  ...shape,
  name: 'vrml',
  title: 'VRML',
  mediaType: mediaTypes.vrml,
  suffixes: ['.wrl'],
  example: 'shape.wrl',
  sniff: (bytes) => String.fromCharCode(...bytes.subarray(0, 10)) === '#VRML V2.0',
  read: async (bytes, options) => signalOfMesh(readVrml, bytes, options),
} as const satisfies SignalFormat;

export const meshes = [obj, stl, vrml] as const;

function isAround0({ low, peak, sample }: Output): boolean {
  return sample === 'float32' && low < 0 && low + peak > 0;
}

function gridOf({
  grid = defaultGrid,
  limits,
  onShape,
}: ShapeOptions & Pick<ReadOptions, 'onShape'>): [number, number, number] {
  if (!(Number.isSafeInteger(grid) && grid >= leastGrid && grid <= mostGrid))
    throw new BadInputError(
      'bad-size',
      `a grid has from ${leastGrid} to ${mostGrid} samples a side, not ${grid}`,
    );
  checkLimit('samples', grid ** 3, limits.maxSamples, 'give a smaller grid, or raise maxSamples');
  onShape?.([grid, grid, grid]);
  return [grid, grid, grid];
}

/** The signed distance of a mesh, as far as the model's output goes. Throws BadInputError `not-a-shape-model`, and what reading it throws. */
function signalOfMesh(read: (bytes: Uint8Array) => Mesh, bytes: Uint8Array, options: ReadOptions): Signal {
  const { id, axes, outputs, limits } = options;
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  const output = typeof outputs === 'string' ? undefined : outputs[0];
  if (axes !== 3 || (typeof outputs !== 'string' && !shape.fits({ axes, outputs }))) {
    const names = typeof outputs === 'string' ? outputs : outputs.map(({ name }) => name).join(', ');
    throw new BadInputError(
      'not-a-shape-model',
      `${id} is a shape, and this model takes ${names} along ${axes === 1 ? 'one axis' : `${axes} axes`}; choose a model of signed distances`,
    );
  }
  const [n] = gridOf(options);
  const most = output === undefined ? usualReach : Math.max(-output.low, output.low + output.peak);
  const { values, cube, notes } = signedDistance(read(bytes), n, { most, limits });
  if (output !== undefined)
    for (let p = 0; p < values.length; p++)
      values[p] = Math.min(output.low + output.peak, Math.max(output.low, values[p]!));
  const [x, y, z] = cube.start;
  const along = ([name, start]: readonly [string, number]) => ({ name, start, step: cube.step });
  return {
    ...{ id, shape: [n, n, n], channels: 1, values },
    axes: (
      [
        ['z', z],
        ['y', y],
        ['x', x],
      ] as const
    ).map(along),
    ...(outputs === 'mask' ? { values: values.map((v) => Number(v < 0)) } : {}),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

async function* objChunks(
  streams: Iterable<RowStream>,
  outputs: readonly Output[],
): AsyncGenerator<Uint8Array> {
  let text = '';
  for (const line of objText(await surfacesOf(streams, outputs))) {
    text += line;
    if (text.length < 2 ** 16) continue;
    yield new TextEncoder().encode(text);
    text = '';
  }
  yield new TextEncoder().encode(text);
}

async function* stlChunks(
  streams: Iterable<RowStream>,
  outputs: readonly Output[],
): AsyncGenerator<Uint8Array> {
  yield stlBytes(await surfacesOf(streams, outputs));
}

/** Throws BadInputError `no-surface` where nothing is inside. */
async function surfacesOf(streams: Iterable<RowStream>, outputs: readonly Output[]): Promise<Mesh> {
  const vertices: number[] = [];
  const triangles: number[] = [];
  let n = 0;
  for (const stream of streams) {
    if (stream.shape.length !== 3 || outputs.length !== 1)
      throw new BadInputError(
        'no-surface',
        `[${stream.shape}] x ${outputs.length} values are no signed distance; write npy`,
      );
    const found = await surfaceOf(stream);
    const first = vertices.length / 3;
    // one beside the other along x, in sides of a cube from -1 to 1
    for (let i = 0; i < found.vertices.length; i++)
      vertices.push(found.vertices[i]! + (i % 3 === 0 ? 2 * n : 0));
    for (const corner of found.triangles) triangles.push(first + corner);
    n++;
  }
  if (triangles.length === 0)
    throw new BadInputError(
      'no-surface',
      'nothing of it is below 0, so it has no surface; write npy to see its values',
    );
  return { vertices: Float64Array.from(vertices), triangles: Uint32Array.from(triangles) };
}

/** Where their axes place them does not matter then. */
function besideEachOther(signals: readonly Signal[]): RowStream[] {
  return signals.map(({ shape, channels, values }) => signalRows({ shape, channels, values }));
}
