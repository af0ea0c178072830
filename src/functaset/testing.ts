/** Small functasets for tests. */
import { openDatabases } from './databases.ts';
import type { FunctasetNetwork, ModulationContent, StoredFunction } from './types.ts';

/** A network of signals [4, 4] whose modulation has 20 numbers. */
export function testNetwork(digit = '1'): FunctasetNetwork {
  return {
    networkId: digit.repeat(64),
    modelId: 'a'.repeat(64),
    specDigest: 'b'.repeat(64),
    layout: {
      levels: [
        { cells: [1, 1], channels: 4 },
        { cells: [2, 2], channels: 4 },
      ],
      length: 20,
    },
    shape: [4, 4],
  };
}

/** The i-th of a series of functions, each different, every seventh without a label. */
export function testFunction(i: number, changes: Partial<StoredFunction> = {}): StoredFunction {
  return {
    id: `item-${String(i).padStart(6, '0')}`,
    ...(i % 7 === 0 ? {} : { label: i % 3 }),
    shape: [4, 4],
    psnrDb: 20 + i / 8,
    bits: 64 + i,
    content: { kind: 'file', bytes: Uint8Array.from({ length: 5 + (i % 4) }, (_, k) => i + k) },
    ...changes,
  };
}

/** A modulation from outside, of numbers that are half floats. */
export function testModulation(length: number, quality = 50): ModulationContent {
  return { kind: 'modulation', quality, values: Float32Array.from({ length }, (_, k) => (k % 512) / 32) };
}

/** Flips a bit in the record of a function. */
export async function damageRecord(path: string, id: string): Promise<void> {
  const { root, functions } = openDatabases(path, false, false);
  const flipped = functions.get(id)!.slice();
  flipped[flipped.length >> 1]! ^= 1;
  functions.putSync(id, flipped);
  await root.close();
}
