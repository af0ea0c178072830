/** Shapes as signed distances on a grid: what is inside, and where the surface is, at equal bytes. */
import { gzipSync } from 'node:zlib';
import { chamferDistance, intersectionOverUnion } from '../../src/formats/shape-distance.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { Coded, Contender, Figures } from './contender.ts';
import { dracoUnder } from './draco.ts';
import { fieldFigures, fieldPeers } from './fields.ts';
import { meshOf } from './shape-mesh.ts';
import type { Tools } from './tools.ts';

export async function shapePeers(tools: Tools): Promise<Contender[]> {
  const draco = await dracoUnder(tools.root);
  return [...fieldPeers(tools), ...(draco === undefined ? [] : [draco]), gzip, ...zstd(tools)];
}

/** One bit a sample, exact: what a coder of distances has to beat near an IoU of 1. */
const gzip: Contender = {
  name: 'gzip',
  note: 'gzip -9 of one bit a sample, inside or not; exact, and no distance',
  settings: [9],
  async code({ values }, level) {
    return { bytes: gzipSync(insides(values), { level }).length, values: sides(values) };
  },
};

function zstd(tools: Tools): Contender[] {
  if (!tools.has('zstd')) return [];
  const contender: Contender = {
    name: 'zstd of bits',
    note: 'zstd -19 of the same bits',
    settings: [19],
    async code({ values }, level) {
      await tools.write('in.bits', insides(values));
      const files = [tools.file('in.bits'), '-o', tools.file('coded.zst')];
      await tools.run('zstd', [`-${level}`, '-q', '-f', '--no-check', ...files]);
      return { bytes: (await tools.read('coded.zst')).length, values: sides(values) };
    },
  };
  return [contender];
}

function insides(values: Float32Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (const [p, v] of values.entries()) if (v < 0) bits[p >> 3]! |= 1 << (p & 7);
  return bits;
}

function sides(values: Float32Array): Float32Array {
  return values.map((v) => (v < 0 ? -1 : 1));
}

/** `chamfer`: mean distance of the surfaces, in samples, which is about 0.42 for equal ones, as points are drawn; of a coder of surfaces nothing else is known. */
export async function shapeFigures(signal: Signal, { values, mesh }: Coded): Promise<Figures> {
  const found = mesh ?? (await meshOf(signal, values));
  const none = found.triangles.length === 0;
  // A cube from -1 to 1 has so many samples a side.
  const samples = signal.shape[0]! / 2;
  const chamfer = none
    ? Number.POSITIVE_INFINITY
    : samples * chamferDistance(await meshOf(signal, signal.values), found);
  if (mesh !== undefined) return { iou: Number.NaN, psnrDb: Number.NaN, chamfer };
  const { psnrDb } = fieldFigures(signal, values);
  return { iou: intersectionOverUnion(signal.values, values), psnrDb: psnrDb!, chamfer };
}
