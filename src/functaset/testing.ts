/** Small functasets for tests. */
import type { FunctasetNetwork, StoredFunction } from './types.ts';

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
    modulation: Float32Array.from({ length: 20 }, (_, k) => i + k / 32),
    coded: Uint8Array.from({ length: 5 + (i % 4) }, (_, k) => i + k),
    ...changes,
  };
}
