import { describe, expect, it } from 'vitest';
import { CostMeter } from '../prior/cost.ts';
import { Sampler } from '../prior/draw.ts';
import type { PriorKind } from '../prior/kinds.ts';
import { maxSymbol } from '../prior/prior.ts';
import { readPrior } from '../prior/registry.ts';
import { BadInputError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { modulationLayout } from '../src/field/layout.ts';
import { readModel } from '../src/field/model.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import { decodeFile, encodeFile, overheadBits, readHeader } from './index.ts';
import { codeThrown } from './testing.ts';

const models = tinyModels.map((tiny) => readModel(makeTinyModel(tiny)));
const [image, audio, field] = models as [(typeof models)[0], (typeof models)[0], (typeof models)[0]];
const kinds: readonly PriorKind[] = ['histogram', 'factorized', 'autoregressive'];

function draw(
  model: (typeof models)[0],
  shape: readonly number[],
  quality: number,
  seed: number,
): Int32Array {
  const layout = modulationLayout(model.network.spec, shape);
  const symbols = new Int32Array(layout.length);
  readPrior(model).walk(layout, quality, symbols, new Sampler(new Rng(seed)));
  return symbols;
}

describe('a file', () => {
  it('gives back symbols, shape, quality and prior, for every prior and number of axes', () => {
    for (const model of models) {
      for (const prior of kinds) {
        for (const quality of [1, 37, 100]) {
          const shapes = model.card.anySize
            ? [model.card.shape, model.card.shape.map((n) => n + 5)]
            : [model.card.shape];
          for (const shape of shapes) {
            const symbols = draw(model, shape, 50, quality);
            const bytes = encodeFile(model, symbols, shape, quality, prior);
            expect(decodeFile(model, bytes)).toEqual({ symbols, shape, quality, prior });
            expect(readHeader(bytes)).toMatchObject({
              container: 'file',
              prior,
              quality,
              modelDigest: model.id.slice(0, 6),
            });
          }
        }
      }
    }
  });

  it('holds signals of one point, and takes the best prior unless told otherwise', () => {
    for (const [model, shape] of [
      [image, [1, 1]],
      [audio, [1]],
    ] as const) {
      const symbols = draw(model, shape, 50, 1);
      const decoded = decodeFile(model, encodeFile(model, symbols, shape, 50));
      expect(decoded).toEqual({ symbols, shape, quality: 50, prior: 'autoregressive' });
    }
  });

  it('spends at most 12 bytes beyond the entropy, and half a byte, on images up to 16383 x 16383', () => {
    const header = readHeader(encodeFile(image, draw(image, [1, 16383], 50, 1), [1, 16383], 50));
    // One byte less than [16383, 16383] takes; two more are the check in the stream.
    expect((header as { headerBytes: number }).headerBytes).toBe(9);
    let beyond = 0;
    for (let seed = 0; seed < 100; seed++) {
      const symbols = draw(image, [17, 19], 50, seed);
      const meter = new CostMeter();
      readPrior(image).walk(modulationLayout(image.network.spec, [17, 19]), 50, symbols.slice(), meter);
      beyond += encodeFile(image, symbols, [17, 19], 50).length - meter.bitCount / 8;
    }
    // 8 of header (shape in two bytes), 2 of check.
    expect(beyond / 100).toBeLessThan(8 + 2 + 0.6);
  });

  it('has the bytes that its bits were estimated at, within 0.1 % and 4 bytes, whatever the prior', () => {
    for (const prior of kinds) {
      for (const side of [1, 16, 33, 150]) {
        const symbols = draw(image, [side, 2 * side], 50, side);
        const meter = new CostMeter();
        readPrior(image, prior).walk(
          modulationLayout(image.network.spec, [side, 2 * side]),
          50,
          symbols.slice(),
          meter,
        );
        const estimated = (meter.bitCount + overheadBits(image, [side, 2 * side])) / 8;
        const { length } = encodeFile(image, symbols, [side, 2 * side], 50, prior);
        expect(Math.abs(length - estimated)).toBeLessThan(0.001 * estimated + 2);
      }
    }
  });

  it('is told from one of another model, with both digests', () => {
    const bytes = encodeFile(image, draw(image, [16, 16], 50, 1), [16, 16], 50);
    expect(() => decodeFile(field, bytes)).toThrow(
      new RegExp(`${image.id.slice(0, 6)}.*${field.id.slice(0, 6)}`),
    );
    expect(codeThrown(() => decodeFile(field, bytes))).toBe('other-model');
  });

  it('is known to be damaged: any cut, any flipped bit, anything added', () => {
    for (const prior of kinds) {
      const bytes = encodeFile(image, draw(image, [24, 20], 50, 3), [24, 20], 50, prior);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeFile(image, bytes.subarray(0, length)), `cut to ${length}`).toThrow();
      }
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const damaged = bytes.slice();
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => decodeFile(image, damaged), `bit ${bit} flipped`).toThrow();
      }
      expect(() => decodeFile(image, Uint8Array.of(...bytes, 0))).toThrow();
      expect(() => decodeFile(image, Uint8Array.of(...bytes, 0x91))).toThrow();
    }
  });

  it('says what is wrong with its header', () => {
    const bytes = encodeFile(image, draw(image, [20, 20], 50, 3), [20, 20], 50);
    const planted = (at: number, value: number) => {
      const changed = bytes.slice();
      changed[at] = value;
      return codeThrown(() => decodeFile(image, changed));
    };
    expect(planted(0, 0x89)).toBe('magic');
    expect(planted(1, (4 << 5) | 2 | (2 << 2))).toBe('version');
    // Version 2 is of networks of their own.
    expect(planted(1, (2 << 5) | 2 | (2 << 2))).toBe('container');
    // Number 3 is samples, which these bytes are not.
    expect(['payload', 'sample-range', 'checksum']).toContain(planted(1, (1 << 5) | 2 | (3 << 2)));
    expect(planted(1, (1 << 5) | 2 | (2 << 2) | 16)).toBe('container');
    expect(planted(5, 0)).toBe('quality');
    expect(planted(5, 101)).toBe('quality');
    expect(planted(6, 0)).toBe('shape');
    expect(planted(1, (1 << 5) | 1 | (2 << 2))).toBe('shape'); // one axis where the model has two
    expect(codeThrown(() => decodeFile(image, new Uint8Array(0)))).toBe('truncated');
    const own = bytes.slice();
    own[6] = own[7] = 16; // the model's own shape, written out
    expect(codeThrown(() => decodeFile(image, own))).toBe('shape');
  });

  it('of a model of one size has no other', () => {
    const symbols = draw(field, [4, 6, 8], 50, 1);
    expect(codeThrown(() => encodeFile(field, symbols, [4, 6, 9], 50))).toBe('shape');
    const bytes = encodeFile(field, symbols, [4, 6, 8], 50);
    const other = Uint8Array.of(...bytes.subarray(0, 6), 4, 6, 9, ...bytes.subarray(6));
    other[1]! |= 3;
    expect(codeThrown(() => decodeFile(field, other))).toBe('shape');
  });

  it('is not made from what is not a signal of the model', () => {
    const symbols = draw(image, [16, 16], 50, 1);
    expect(codeThrown(() => encodeFile(image, symbols, [16], 50))).toBe('shape');
    expect(codeThrown(() => encodeFile(image, symbols, [16, 0], 50))).toBe('shape');
    expect(codeThrown(() => encodeFile(image, symbols, [16, 1.5], 50))).toBe('shape');
    expect(codeThrown(() => encodeFile(image, symbols, [16, 17], 50))).toBe('symbol-count');
    expect(codeThrown(() => encodeFile(image, symbols, [16, 16], 101))).toBe('quality');
    const far = symbols.slice();
    far[3] = maxSymbol + 1;
    expect(() => encodeFile(image, far, [16, 16], 50)).toThrow(BadInputError);
    const bare = { ...image, tensors: new Map() };
    expect(codeThrown(() => encodeFile(bare, symbols, [16, 16], 50))).toBe('prior');
    expect(codeThrown(() => decodeFile(bare, encodeFile(image, symbols, [16, 16], 50)))).toBe('prior');
  });

  it('leaves its input as it was', () => {
    const symbols = draw(image, [16, 16], 50, 1);
    const before = symbols.slice();
    const bytes = encodeFile(image, symbols, [16, 16], 50);
    const kept = bytes.slice();
    decodeFile(image, bytes);
    expect([symbols, bytes]).toEqual([before, kept]);
  });
});
