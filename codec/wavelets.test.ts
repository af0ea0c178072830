import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Rng } from '../src/core/rng.ts';
import { readModel } from '../src/field/model.ts';
import { pointCount } from '../src/field/spec.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import {
  codeSamples,
  decodeFile,
  encodeSamples,
  joinFiles,
  openArchive,
  readHeader,
  sampleStep,
  sectionIds,
  withSections,
} from './index.ts';
import { codeThrown, expectDamageIsKnown, relief } from './testing.ts';
import { analyse, bandsOf, synthesise, type WaveletGrid } from './wavelets.ts';

const model = tinyModels
  .map((tiny) => readModel(makeTinyModel(tiny)))
  .find(({ card }) => card.anySize && card.shape.length === 2)!;
const { outputs } = model.network.spec;

describe('the transform', () => {
  const grids: WaveletGrid[] = [
    { sizes: [1, 1, 1], channels: 1, isRing: false },
    { sizes: [1, 1, 2], channels: 3, isRing: true },
    { sizes: [1, 13, 40], channels: 1, isRing: false },
    { sizes: [1, 13, 40], channels: 2, isRing: true },
    { sizes: [5, 1, 6], channels: 1, isRing: false },
    { sizes: [7, 9, 11], channels: 1, isRing: true },
  ];

  it.each(grids)(
    'is undone, keeps squares within a factor of two, and its bands are all of it: %j',
    (grid) => {
      const rng = new Rng(2);
      const count = pointCount(grid.sizes) * grid.channels;
      const values = Float32Array.from({ length: count }, () => rng.below(2000) - 1000);
      const found = values.slice();
      analyse(found, grid);
      const energy = (all: Float32Array) => all.reduce((sum, v) => sum + v * v, 0);
      if (count > 100) expect(energy(found) / energy(values)).toBeGreaterThan(0.5);
      if (count > 100) expect(energy(found) / energy(values)).toBeLessThan(2);
      synthesise(found, grid);
      for (let i = 0; i < count; i++) expect(Math.abs(found[i]! - values[i]!)).toBeLessThan(0.01);
      const points = bandsOf(grid.sizes).reduce((sum, { sizes }) => sum + pointCount(sizes), 0);
      expect(points).toBe(pointCount(grid.sizes));
    },
  );

  it('has no seam where columns go round', () => {
    const grid = { sizes: [1, 4, 64], channels: 1, isRing: true };
    const wave = (turned: number) =>
      Float32Array.from({ length: 256 }, (_, i) => 100 * Math.sin((2 * Math.PI * ((i % 64) + turned)) / 64));
    const largest = (isRing: boolean, turned: number) => {
      const values = wave(turned);
      analyse(values, { ...grid, isRing });
      // Of the finest details along a row.
      return values.reduce((most, v, i) => (i < 128 && i % 64 >= 32 ? Math.max(most, Math.abs(v)) : most), 0);
    };
    expect(largest(true, 11)).toBeLessThan(0.1 * largest(false, 11));
  });
});

const far = 1e6;

describe('samples as wavelets', () => {
  it.each([[[1, 1]], [[1, 40]], [[40, 1]], [[31, 17]], [[24, 64]]])(
    'are what the file says, whatever they are, and nearer the finer the steps: [%s]',
    (shape) => {
      const count = pointCount(shape) * outputs;
      const rng = new Rng(3);
      const ends = Int16Array.from({ length: count }, (_, i) => (i % 2 === 0 ? -32768 : 32767));
      const noise = Int16Array.from({ length: count }, () => rng.below(65536) - 32768);
      const constant = new Int16Array(count).fill(7);
      const smooth = relief(shape, outputs);
      for (const samples of [ends, noise, constant, smooth]) {
        let before = Number.POSITIVE_INFINITY;
        for (const quality of [20, 60, 90, 100]) {
          for (const coding of ['wavelets', 'wavelets-round'] as const) {
            const coded = codeSamples(model, samples, shape, quality, far, coding)!;
            const found = decodeFile(model, coded.bytes);
            expect(found).toEqual({ samples: coded.samples, shape, quality, prior: 'samples' });
            if (coding !== 'wavelets') continue;
            const squares = samples.reduce((sum, v, i) => sum + (v - coded.samples[i]!) ** 2, 0) / count;
            expect(squares).toBeLessThan(0.5 * sampleStep(quality) ** 2 + 0.3);
            // A constant may happen to be a whole number of steps, and ends are where samples end.
            if (samples === noise || samples === smooth) expect(squares).toBeLessThanOrEqual(before + 0.3);
            before = squares;
          }
        }
      }
    },
  );

  it('are the same bytes on any machine', () => {
    const all = (['wavelets', 'wavelets-round'] as const).map(
      (coding) => codeSamples(model, relief([61, 50], outputs), [61, 50], 60, far, coding)!,
    );
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    expect(
      all.map(({ bytes, samples }) => [hash(bytes), hash(new Uint8Array(samples.buffer))]),
    ).toMatchSnapshot();
  });

  it('take fewer bytes than samples that are foretold, at a smaller error, where steps are coarse', () => {
    const shape = [96, 96];
    const samples = relief(shape, outputs, 40);
    const errorOf = (found: ArrayLike<number>) =>
      samples.reduce((sum, v, i) => sum + (v - found[i]!) ** 2, 0);
    const foretold = codeSamples(model, samples, shape, 30, far, 'least-squares')!;
    const coded = codeSamples(model, samples, shape, 30, far, 'wavelets')!;
    expect(errorOf(coded.samples)).toBeLessThan(errorOf(foretold.samples));
    expect(coded.bytes.length).toBeLessThan(0.8 * foretold.bytes.length);
  });
});

describe('a file of them', () => {
  const shape = [24, 20];
  const { bytes, samples } = codeSamples(model, relief(shape, outputs), shape, 70, far, 'wavelets-round')!;

  it('says so in a section, keeps it with others, and in archives of either kind', () => {
    expect(readHeader(bytes)).toMatchObject({
      version: 3,
      sections: [{ id: sectionIds.wavelets, bytes: Uint8Array.of(1) }],
    });
    const names = { id: sectionIds.names, bytes: Uint8Array.of(1) };
    const named = withSections(bytes, [names]);
    expect(decodeFile(model, named)).toMatchObject({ samples, sections: [names] });
    const other = encodeSamples(model, samples, shape, 100);
    for (const perStream of [1, 2]) {
      const archive = openArchive(model, joinFiles(model, [named, bytes, other], { perStream }));
      for (const i of [0, 1, 2]) {
        expect(archive.at(i)).toMatchObject({ samples });
        expect(decodeFile(model, archive.file(i))).toMatchObject({ samples });
      }
      expect(archive.file(1)).toEqual(bytes);
    }
  });

  it('is known to be damaged by any cut and any flipped bit, and no noise is anything but damage', () => {
    expectDamageIsKnown(model, bytes);
  });

  it('says it in one way', () => {
    const plain = encodeSamples(model, samples, shape, 100);
    const squares = { id: sectionIds.leastSquares, bytes: new Uint8Array(0) };
    for (const own of [[], [2], [0, 0]]) {
      const said = { id: sectionIds.wavelets, bytes: Uint8Array.from(own) };
      expect(codeThrown(() => decodeFile(model, withSections(plain, [said])))).toBe('sections');
    }
    const said = { id: sectionIds.wavelets, bytes: Uint8Array.of(0) };
    expect(codeThrown(() => decodeFile(model, withSections(plain, [squares, said])))).toBe('sections');
  });
});
