/** Shapes as signed distances on a grid: what is inside, at equal bytes. Coders of meshes are not among the peers yet. */
import { gzipSync } from 'node:zlib';
import { intersectionOverUnion } from '../../src/formats/shape-distance.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { Contender, Figures } from './contender.ts';
import { fieldFigures, fieldPeers } from './fields.ts';
import type { Tools } from './tools.ts';

export function shapePeers(tools: Tools): Contender[] {
  return [...fieldPeers(tools), occupancy];
}

/** One bit a sample, exact: what a coder of distances has to beat near an IoU of 1. */
const occupancy: Contender = {
  name: 'gzip',
  note: 'gzip -9 of one bit a sample, inside or not; exact, and no distance',
  settings: [9],
  async code({ values }, level) {
    const bits = new Uint8Array(Math.ceil(values.length / 8));
    for (const [p, v] of values.entries()) if (v < 0) bits[p >> 3]! |= 1 << (p & 7);
    const own = values.map((v) => (v < 0 ? -1 : 1));
    return { bytes: gzipSync(bits, { level }).length, values: own };
  },
};

export function shapeFigures(signal: Signal, got: Float32Array): Figures {
  const { psnrDb } = fieldFigures(signal, got);
  return { iou: intersectionOverUnion(signal.values, got), psnrDb: psnrDb! };
}
