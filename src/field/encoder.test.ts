import { describe, expect, test } from 'vitest';
import { FunctaError } from '../core/errors.ts';
import { type Encoder, encoderShapes, readEncoder, writeEncoder } from './encoder.ts';
import type { Model } from './model.ts';
import { pyramid } from './presets.ts';

const spec = pyramid({
  ...{ axes: 2, outputs: 1, width: 4, layers: 1, w0: 3, harmonics: 1 },
  levels: [
    { cell: 32, channels: 2 },
    { cell: 8, channels: 2 },
    { cell: 2, channels: 3 },
  ],
});
const model = { card: { name: 'mine', spec } as Model['card'], networkId: 'abc' };

function someEncoder(): Encoder {
  const parts = encoderShapes(spec).map((shape, i) => ({
    ...shape,
    weights: new Float32Array(2 * shape.inputs * shape.outputs).fill(i + 1),
  }));
  const card = { networkId: 'abc', model: 'mine', qualities: [40, 66] as const, recipe: {}, figures: {} };
  return { card, parts };
}

describe('the file of an encoder', () => {
  test('levels share a block of the least size, and coarse ones read means', () => {
    const [coarse, fine] = encoderShapes(spec);
    expect(coarse).toMatchObject({ block: [32, 32], pool: [4, 4], window: [16, 16], levels: [0] });
    expect(coarse).toMatchObject({ inputs: 257, outputs: 2 });
    expect(fine).toMatchObject({ block: [8, 8], pool: [1, 1], window: [16, 16], levels: [1, 2] });
    expect(fine).toMatchObject({ inputs: 257, outputs: 2 + 16 * 3 });
  });

  test('comes back, and its bytes with it', () => {
    const bytes = writeEncoder(someEncoder());
    const read = readEncoder(bytes, model);
    expect(read).toEqual(someEncoder());
    expect(writeEncoder(read)).toEqual(bytes);
  });

  test('that of another network is refused, and both are named', () => {
    const other = { ...model, card: { ...model.card, name: 'other' }, networkId: 'def' };
    const read = () => readEncoder(writeEncoder(someEncoder()), other);
    expect(read).toThrow(expect.objectContaining({ code: 'encoder-network' }));
    expect(read).toThrow(/mine.*abc.*other.*def/);
  });

  test('any damage: an encoder, or a tagged error', () => {
    const bytes = writeEncoder(someEncoder());
    for (let i = 0; i < bytes.length; i += i < 400 ? 1 : 997) {
      const damaged = bytes.slice();
      damaged[i]! ^= 0x5a;
      try {
        readEncoder(damaged, model);
      } catch (error) {
        expect(error).toBeInstanceOf(FunctaError);
      }
    }
    for (const length of [0, 7, 100, bytes.length - 1])
      expect(() => readEncoder(bytes.slice(0, length), model)).toThrow(FunctaError);
  });
});
