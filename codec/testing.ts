/** Helpers of the codec's tests. */

import { expect } from 'vitest';
import { BadStreamError, FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { pointCount } from '../src/field/spec.ts';

import { type CodingModel, decodeFile, readHeader } from './index.ts';

/** The code of what `act` throws, or `none`. */
export function codeThrown(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as FunctaError).code;
  }
  return 'none';
}

/** A hill and a plane, moved from one channel to the next, and noise of a step or two. */
export function relief(shape: readonly number[], channels: number, noise = 3): Int16Array {
  const rng = new Rng(5);
  return Int16Array.from({ length: pointCount(shape) * channels }, (_, i) => {
    let left = Math.floor(i / channels);
    let height = 40 * (i % channels);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = left % shape[axis]!;
      left = Math.floor(left / shape[axis]!);
      height += 300 * Math.sin(at / (5 + axis)) + 3 * at;
    }
    return Math.round(height) + rng.below(noise);
  });
}

/** Of a file of samples: any cut and every third flipped bit is an error, and noise after its header is damage. */
export function expectDamageIsKnown(model: CodingModel, bytes: Uint8Array): void {
  for (let length = 0; length < bytes.length; length++)
    expect(() => decodeFile(model, bytes.subarray(0, length)), `cut to ${length}`).toThrow(FunctaError);
  for (let bit = 0; bit < 8 * bytes.length; bit += 3) {
    const damaged = bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeFile(model, damaged), `bit ${bit}`).toThrow(FunctaError);
  }
  const header = bytes.subarray(0, readHeader(bytes).headerBytes);
  const rng = new Rng(3);
  for (let run = 0; run < 300; run++) {
    const noise = Uint8Array.from({ length: run % 90 }, () => rng.below(256));
    expect(() => decodeFile(model, Uint8Array.of(...header, ...noise))).toThrow(BadStreamError);
  }
}
