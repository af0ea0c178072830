import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BitDecoder, BitEncoder } from '../prior/bits.ts';
import { Rng } from '../src/core/rng.ts';
import { readModel } from '../src/field/model.ts';
import { pointCount } from '../src/field/spec.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import {
  codeSamples,
  decodeFile,
  encodeArchive,
  encodeSamples,
  joinFiles,
  openArchive,
  readHeader,
  sectionIds,
  withSections,
} from './index.ts';
import { type NumberGrid, walkNumbers } from './number-walk.ts';
import { sampleContexts } from './sample-walk.ts';
import { codeThrown, expectDamageIsKnown, relief } from './testing.ts';

const model = tinyModels
  .map((tiny) => readModel(makeTinyModel(tiny)))
  .find(({ card }) => card.anySize && card.shape.length === 2)!;
const { outputs } = model.network.spec;
const [low, high] = [-32768, 32767];

function gridOf(shape: readonly number[], channels: number): NumberGrid {
  const columns = shape.at(-1)!;
  const rows = pointCount(shape) / columns;
  return {
    ...{ rows, columns, channels, low, high },
    sliceRows: shape.length < 3 ? rows : pointCount(shape.slice(1)) / columns,
  };
}

function coded(levels: Int16Array, grid: NumberGrid): Uint8Array {
  const encoder = new BitEncoder(sampleContexts);
  walkNumbers(grid, levels.slice(), encoder);
  return encoder.finish();
}

const drawings: Readonly<Record<string, (i: number, rng: Rng) => number>> = {
  constant: () => 7,
  'the least': () => low,
  ends: (i) => (i % 2 === 0 ? low : high),
  noise: (_, rng) => low + rng.below(high - low + 1),
  'noise between plains': (i, rng) => (i % 400 < 200 ? 0 : rng.below(5000)),
  doubling: (i) => Math.min(high, 2 ** (i % 16) - 1),
};

describe('samples foretold by least squares', () => {
  it.each([
    [[1], 1],
    [[300], 1],
    [[300], 3],
    [[1, 40], 1],
    [[40, 1], 2],
    [[31, 17], 1],
    [[12, 9], 4],
    [[5, 7, 6], 1],
    [[1, 6, 8], 2],
    [[9, 1, 5], 1],
    [[2, 3, 2, 5], 1],
  ])('come back, whatever they are: [%s] x %d', (shape, channels) => {
    const grid = gridOf(shape, channels);
    const all = Object.values(drawings).map((drawing) => {
      const rng = new Rng(3);
      return Int16Array.from({ length: pointCount(shape) * channels }, (_, i) => drawing(i, rng));
    });
    for (const levels of [...all, relief(shape, channels)]) {
      const bytes = coded(levels, grid);
      const found = new Int16Array(levels.length);
      const decoder = new BitDecoder(sampleContexts, bytes);
      walkNumbers(grid, found, decoder);
      decoder.end();
      expect(found).toEqual(levels);
    }
  });

  it('are the same bytes on any machine', () => {
    const bytes = [
      coded(relief([60, 50], 1), gridOf([60, 50], 1)),
      coded(relief([4, 20, 20], 2), gridOf([4, 20, 20], 2)),
    ];
    expect(bytes.map((own) => createHash('sha256').update(own).digest('hex').slice(0, 16))).toMatchSnapshot();
  });

  it('take fewer bytes than by guesses where values are smooth, and learn that a plain says nothing', () => {
    const shape = [60, 50];
    const samples = relief(shape, outputs, 2);
    const bytes = codeSamples(model, samples, shape, 100, 1e6, 'least-squares')!.bytes;
    expect(bytes.length).toBeLessThan(0.95 * encodeSamples(model, samples, shape, 100).length);
    const plain = new Int16Array(pointCount(shape) * outputs);
    expect(codeSamples(model, plain, shape, 100, 1e6, 'least-squares')!.bytes.length).toBeLessThan(30);
  });
});

describe('a file of them', () => {
  const shape = [24, 20];
  const samples = relief(shape, outputs);
  const { bytes } = codeSamples(model, samples, shape, 100, 1e6, 'least-squares')!;

  it('says so in a section, and what is decoded does not', () => {
    expect(readHeader(bytes)).toMatchObject({ version: 3, sections: [{ id: sectionIds.leastSquares }] });
    expect(decodeFile(model, bytes)).toEqual({ samples, shape, quality: 100, prior: 'samples' });
  });

  it('keeps how it is coded with other sections, and in archives of either kind', () => {
    const mask = { id: sectionIds.names, bytes: Uint8Array.of(1) };
    const named = withSections(bytes, [mask]);
    expect(decodeFile(model, named)).toMatchObject({ samples, sections: [mask] });
    expect(withSections(withSections(named, []), [mask])).toEqual(named);
    const other = encodeSamples(model, samples, shape, 100);
    for (const perStream of [1, 2]) {
      const archive = openArchive(model, joinFiles(model, [named, bytes, other], { perStream }));
      for (const i of [0, 1, 2]) {
        expect(archive.at(i)).toMatchObject({ samples });
        expect(decodeFile(model, archive.file(i))).toMatchObject({ samples });
      }
      expect(archive.at(0)).toMatchObject({ sections: [mask] });
      expect(archive.at(1)).not.toHaveProperty('sections');
    }
    const again = encodeArchive(model, [decodeFile(model, bytes)], { quality: 100 });
    expect(openArchive(model, again).at(0)).toMatchObject({ samples });
  });

  it('is known to be damaged by any cut and any flipped bit, and no noise is anything but damage', () => {
    expectDamageIsKnown(model, bytes);
  });

  it('has nothing in that section, and no symbols', () => {
    const said = { id: sectionIds.leastSquares, bytes: Uint8Array.of(0) };
    const plain = encodeSamples(model, samples, shape, 100);
    expect(codeThrown(() => decodeFile(model, withSections(plain, [said])))).toBe('sections');
    const symbols = new Uint8Array(readHeader(plain).headerBytes);
    symbols.set(plain.subarray(0, symbols.length));
    symbols[1]! &= ~12;
    const empty = { ...said, bytes: new Uint8Array(0) };
    expect(codeThrown(() => decodeFile(model, withSections(symbols, [empty])))).toBe('sections');
  });
});
