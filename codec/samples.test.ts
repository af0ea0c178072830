import { describe, expect, it } from 'vitest';
import { BadStreamError, type FunctaError, LimitError } from '../src/core/errors.ts';
import { withLimits } from '../src/core/limits.ts';
import { Rng } from '../src/core/rng.ts';
import { outputsOfKind } from '../src/field/kinds.ts';
import { readModel } from '../src/field/model.ts';
import { emptySamples, fromSamples, type Samples, sampleFormat, toSamples } from '../src/field/samples.ts';
import { pointCount } from '../src/field/spec.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import {
  type CodingModel,
  codeSamples,
  decodeFile,
  decodeSymbols,
  encodeSamples,
  readHeader,
  sampleStep,
} from './index.ts';

const numbers = tinyModels.map((tiny) => readModel(makeTinyModel(tiny)));
/** The same fields as pictures of one to four channels. */
const pictures = (['grey', 'rgb', 'rgba'] as const).map((channels, i): CodingModel => {
  const { network, id, tensors, card } = numbers[0]!;
  const spec = { ...network.spec, outputs: [1, 3, 4][i]! };
  return {
    id,
    tensors,
    network: { spec },
    card: { ...card, outputs: outputsOfKind(channels, { offset: 0.5, scale: 0.5 }) },
  };
});
const models: readonly CodingModel[] = [...numbers, ...pictures];

type Draw = (at: readonly number[], rng: Rng, range: number) => number;
const drawings: Readonly<Record<string, Draw>> = {
  white: (_, __, range) => range,
  black: () => 0,
  noise: (_, rng, range) => rng.below(range + 1),
  slope: (at, _, range) => (at.reduce((sum, x) => sum + x, 0) * 7) % (range + 1),
  edge: (at, _, range) => (at.at(-1)! > 7 ? range : 3),
};

function draw({ card, network }: CodingModel, shape: readonly number[], drawing: Draw, seed = 1): Samples {
  const { low, high } = sampleFormat(card);
  const { outputs } = network.spec;
  const samples = emptySamples(card, pointCount(shape) * outputs);
  const rng = new Rng(seed);
  for (let i = 0; i < samples.length; i++) {
    let left = Math.floor(i / outputs);
    const at = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = left % shape[axis]!;
      left = Math.floor(left / shape[axis]!);
    }
    samples[i] = low + drawing(at, rng, high - low);
  }
  return samples;
}

function shapesOf({ card }: CodingModel): (readonly number[])[] {
  if (!card.anySize) return [card.shape];
  return card.shape.length === 1
    ? [[64], [1], [2], [300]]
    : [
        [16, 16],
        [1, 1],
        [1, 7],
        [2, 17],
        [40, 3],
      ];
}

function thrown(act: () => unknown): FunctaError {
  try {
    act();
  } catch (error) {
    return error as FunctaError;
  }
  throw new Error('nothing was thrown');
}

describe('a file of samples', () => {
  it('gives back every sample at quality 100, whatever they are, in at most their bytes and 16', () => {
    for (const model of models)
      for (const shape of shapesOf(model))
        for (const [name, drawing] of Object.entries(drawings)) {
          const samples = draw(model, shape, drawing);
          const bytes = encodeSamples(model, samples, shape, 100);
          const found = decodeFile(model, bytes);
          expect(found, name).toEqual({ samples, shape, quality: 100, prior: 'samples' });
          expect(bytes.length, `${name} [${shape}]`).toBeLessThanOrEqual(samples.byteLength + 16);
          expect(readHeader(bytes)).toMatchObject({ container: 'file', prior: 'samples', quality: 100 });
        }
  });

  it('is off by at most half a step below, and no longer for it', () => {
    let least = Number.POSITIVE_INFINITY;
    const model = pictures[1]!;
    const samples = draw(model, [40, 30], (at, rng) => 2 * at[0]! + 3 * at[1]! + rng.below(40));
    for (let quality = 100; quality >= 1; quality--) {
      const bytes = encodeSamples(model, samples, [40, 30], quality);
      const found = decodeFile(model, bytes);
      if (found.prior !== 'samples') throw new Error('not samples');
      const off = Math.max(...samples.map((x, i) => Math.abs(x - found.samples[i]!)));
      expect(off).toBeLessThanOrEqual(sampleStep(quality) / 2);
      if (quality % 10 === 0 && quality >= 50) {
        expect(bytes.length).toBeLessThan(least);
        least = bytes.length;
      }
    }
  });

  it('of one colour takes a few bytes', () => {
    const model = pictures[1]!;
    const white = draw(model, [512, 512], drawings.white!);
    expect(encodeSamples(model, white, [512, 512], 100).length).toBeLessThan(24);
  });

  it('are coded within so many bytes, or not at all', () => {
    for (const model of models) {
      for (const drawing of Object.values(drawings)) {
        for (const quality of [60, 83, 100]) {
          const shape = shapesOf(model)[0]!;
          const samples = draw(model, shape, drawing);
          const whole = codeSamples(model, samples, shape, quality, Number.POSITIVE_INFINITY)!;
          const { length } = whole.bytes;
          for (const most of [length, length + 1, 10 * length]) {
            expect(codeSamples(model, samples, shape, quality, most)).toEqual(whole);
          }
          for (const most of [length - 1, length - 5, length >> 1, 7, 0]) {
            expect(codeSamples(model, samples, shape, quality, most), `${length} in ${most}`).toBeUndefined();
          }
        }
      }
    }
  });

  it('is known to be damaged by any cut, any flipped bit, and any byte after its end', () => {
    const model = pictures[1]!;
    const bytes = encodeSamples(model, draw(model, [9, 8], drawings.slope!), [9, 8], 90);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeFile(model, bytes.subarray(0, length)), `cut to ${length}`).toThrow();
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decodeFile(model, damaged), `bit ${bit}`).toThrow();
    }
    for (const byte of [0, 1, 255])
      expect(thrown(() => decodeFile(model, Uint8Array.of(...bytes, byte)))).toBeInstanceOf(BadStreamError);
  });

  it('of noise ends in a tagged error, whatever the noise', () => {
    const model = pictures[1]!;
    const bytes = encodeSamples(model, draw(model, [40, 40], drawings.white!), [40, 40], 100);
    const header = bytes.subarray(0, readHeader(bytes).headerBytes);
    const rng = new Rng(3);
    for (let run = 0; run < 300; run++) {
      const noise = Uint8Array.from({ length: run % 90 }, () => rng.below(256));
      expect(thrown(() => decodeFile(model, Uint8Array.of(...header, ...noise)))).toBeInstanceOf(
        BadStreamError,
      );
    }
  });

  it('is held against limits before anything is sized by it', () => {
    const model = pictures[1]!;
    const bytes = encodeSamples(model, draw(model, [40, 40], drawings.white!), [40, 40], 100);
    for (const limits of [
      { maxSamples: 1599 },
      { maxAxis: 39 },
      { maxMultiplyAdds: 1e6 },
      { maxFileBytes: 9 },
    ])
      expect(thrown(() => decodeFile(model, bytes, withLimits(limits)))).toBeInstanceOf(LimitError);
  });

  it('says what is wrong with what it is made of', () => {
    const model = pictures[1]!;
    const code = (samples: Samples, shape: number[], quality = 100) =>
      thrown(() => encodeSamples(model, samples, shape, quality)).code;
    expect(code(new Uint8Array(11), [2, 2])).toBe('sample-count');
    expect(code(new Int16Array(12), [2, 2])).toBe('sample-count');
    expect(code(new Uint8Array(12), [4])).toBe('shape');
    expect(code(new Uint8Array(12), [2, 2], 0)).toBe('quality');
    const bytes = encodeSamples(model, new Uint8Array(12), [2, 2], 100);
    expect(thrown(() => decodeSymbols(model, bytes)).code).toBe('samples');
  });
});

it('steps of samples rise as quality falls, twice every ten', () => {
  for (let quality = 2; quality <= 100; quality++)
    expect(sampleStep(quality - 1)).toBeGreaterThanOrEqual(sampleStep(quality));
  expect([100, 91, 90, 80, 50, 1].map(sampleStep)).toEqual([1, 1, 2, 4, 32, 955]);
});

it('signal values become the nearest samples and come back; what samples cannot say has none', () => {
  const { card } = pictures[0]!;
  const values = Float32Array.from({ length: 256 }, (_, i) => i / 255);
  expect(fromSamples(card, toSamples(card, values)!)).toEqual(values);
  const sound = { ...card, outputs: outputsOfKind('mono', { offset: 0, scale: 1 }) };
  const wave = Float32Array.from({ length: 1000 }, (_, i) => (i * 64 - 32000) / 32768);
  expect(fromSamples(sound, toSamples(sound, wave)!)).toEqual(wave);
  for (const value of [Number.NaN, 1.5, -0.1, Number.POSITIVE_INFINITY])
    expect(toSamples(card, Float32Array.of(0, value))).toBeUndefined();
});
