import { describe, expect, it } from 'vitest';
import { Sampler } from '../prior/draw.ts';
import { readPrior } from '../prior/registry.ts';
import { AbortedError } from '../src/core/errors.ts';
import { withLimits } from '../src/core/limits.ts';
import { stoppable } from '../src/core/look.ts';
import { Rng } from '../src/core/rng.ts';
import { modulationLayout } from '../src/field/layout.ts';
import { readModel } from '../src/field/model.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import {
  type ArchiveItem,
  decodeFile,
  encodeArchive,
  encodeFile,
  encodeSamples,
  joinFiles,
  openArchive,
  readHeader,
} from './index.ts';
import { codeThrown } from './testing.ts';

const image = readModel(makeTinyModel(tinyModels[0]!));
const field = readModel(makeTinyModel(tinyModels[2]!));

type SymbolItem = Extract<ArchiveItem, { readonly symbols: Int32Array }>;

function items(count: number, shapeOf: (i: number) => number[], ids = false): SymbolItem[] {
  return Array.from({ length: count }, (_, i) => {
    const shape = shapeOf(i);
    const layout = modulationLayout(image.network.spec, shape);
    const symbols = new Int32Array(layout.length);
    readPrior(image).walk(layout, 50, symbols, new Sampler(new Rng(i)));
    return ids ? { symbols, shape, id: `n° ${i}` } : { symbols, shape };
  });
}

describe('an archive', () => {
  it('gives back each item, alone and in any order', () => {
    for (const given of [
      items(40, () => [16, 16]),
      items(40, () => [20, 24], true),
      items(40, (i) => [8 + i, 16 + (i % 3)], true),
      items(2, (i) => [16, 16 + i]),
      items(1, () => [9, 200]),
    ]) {
      const archive = openArchive(image, encodeArchive(image, given, { quality: 50 }));
      expect([archive.count, archive.quality, archive.prior]).toEqual([given.length, 50, 'autoregressive']);
      for (const i of new Rng(1).shuffle(Array.from(given.keys()))) {
        const { symbols, shape, id } = given[i]!;
        expect(archive.at(i)).toEqual({ symbols, shape, quality: 50, prior: 'autoregressive', id });
      }
      expect(archive.ids).toEqual(given[0]!.id === undefined ? undefined : given.map(({ id }) => id));
    }
  });

  it('may hold several signals in a stream, for fewer bytes, and give each back in any order', () => {
    for (const given of [
      items(40, () => [16, 16]),
      items(41, (i) => [8 + i, 16 + (i % 3)], true),
      items(3, () => [20, 24]),
    ]) {
      const apart = encodeArchive(image, given, { quality: 50 });
      for (const perStream of [2, 7, 40, 255]) {
        const bytes = encodeArchive(image, given, { quality: 50, perStream });
        const streams = Math.ceil(given.length / perStream);
        expect(apart.length - bytes.length).toBeGreaterThan(2 * (given.length - streams) - 1);
        const archive = openArchive(image, bytes);
        expect(readHeader(bytes)).toMatchObject({ count: given.length, perStream });
        let shared = 0;
        for (const i of new Rng(1).shuffle(Array.from(given.keys()))) {
          const { symbols, shape, id } = given[i]!;
          expect(archive.at(i)).toEqual({ symbols, shape, quality: 50, prior: 'autoregressive', id });
          expect(archive.file(i)).toEqual(encodeFile(image, symbols, shape, 50));
          const item = archive.at(i);
          if (item.prior !== 'samples') item.symbols.fill(7);
          expect(archive.at(i)).toMatchObject({ symbols });
          shared += archive.byteLength(i);
        }
        const header = readHeader(bytes);
        expect(shared).toBeCloseTo(header.container === 'archive' ? header.streamBytes : 0, 6);
      }
    }
  });

  it('is refused with a number of signals that no stream has', () => {
    const given = items(4, () => [16, 16]);
    for (const perStream of [0, 256, 1.5, Number.NaN])
      expect(codeThrown(() => encodeArchive(image, given, { quality: 50, perStream }))).toBe('per-stream');
    const bytes = encodeArchive(image, given, { quality: 50, perStream: 2 });
    expect(bytes[2]).toBe(4);
    for (const perStream of [0, 1]) {
      const changed = bytes.slice();
      changed[3] = perStream;
      expect(codeThrown(() => openArchive(image, changed))).toBe('flags');
    }
  });

  it('counts the work of a whole stream against the limits', () => {
    const given = items(8, () => [16, 16]);
    const bytes = encodeArchive(image, given, { quality: 50, perStream: 8 });
    const limits = withLimits({ maxSamples: 7 * 256 });
    expect(codeThrown(() => openArchive(image, bytes, limits).at(0))).toBe('limit-samples');
    expect(openArchive(image, encodeArchive(image, given, { quality: 50 }), limits).at(0).shape).toEqual([
      16, 16,
    ]);
  });

  it('may be empty', () => {
    const bytes = encodeArchive(image, [], { quality: 50 });
    expect(openArchive(image, bytes).count).toBe(0);
    expect(codeThrown(() => openArchive(image, bytes).at(0))).toBe('item');
  });

  it('spends about a byte on each signal, and shares the rest', () => {
    const given = items(300, () => [16, 16]);
    const streams = given.reduce(
      (sum, { symbols, shape }) => sum + encodeFile(image, symbols, shape, 50).length - 6,
      0,
    );
    const bytes = encodeArchive(image, given, { quality: 50 });
    expect(bytes.length - streams).toBeLessThan(300 + 30);
    expect(readHeader(bytes)).toMatchObject({ container: 'archive', count: 300, streamBytes: streams });
  });

  it('is the same made from files as from symbols', () => {
    for (const given of [items(5, () => [16, 16]), items(5, (i) => [16, 16 + i], true)]) {
      const files = given.map(({ symbols, shape }) => encodeFile(image, symbols, shape, 50));
      const ids = given[0]!.id === undefined ? undefined : given.map(({ id }) => id!);
      expect(joinFiles(image, files, { ids })).toEqual(encodeArchive(image, given, { quality: 50 }));
      const grouped = encodeArchive(image, given, { quality: 50, perStream: 3 });
      expect(joinFiles(image, files, { ids, perStream: 3 })).toEqual(grouped);
    }
  });

  it('is joined, and its index read, with looks at whether to stop', () => {
    const given = items(600, () => [16, 16], true);
    const files = given.map(({ symbols, shape }) => encodeFile(image, symbols, shape, 50));
    const ids = given.map(({ id }) => id!);
    const archive = joinFiles(image, files, { ids });
    const looks = (work: () => unknown) => {
      let count = 0;
      stoppable(
        {
          get aborted() {
            return ++count < 0;
          },
        },
        work,
      );
      return count;
    };
    expect(looks(() => joinFiles(image, files, { ids }))).toBe(9);
    expect(looks(() => openArchive(image, archive))).toBe(3);
    expect(() => stoppable({ aborted: true }, () => joinFiles(image, files))).toThrow(AbortedError);
  });

  it('holds items of several priors and qualities, and of samples, alone, in any order, and as files', () => {
    const samples = Int16Array.from({ length: 16 * 16 }, (_, i) => (i * i) % 701);
    const given = items(9, () => [16, 16], true).map(({ symbols, shape, id }, i) => {
      if (i % 4 === 3) return { samples, shape, quality: 100 - i, prior: 'samples' as const, id };
      const prior = i === 5 ? ('histogram' as const) : ('autoregressive' as const);
      return { symbols, shape, quality: i === 4 ? 51 : 50, prior, id };
    });
    const files = given.map((item) =>
      'samples' in item
        ? encodeSamples(image, item.samples, item.shape, item.quality)
        : encodeFile(image, item.symbols, item.shape, item.quality, item.prior),
    );
    for (const perStream of [1, 2, 5, 9]) {
      const bytes = encodeArchive(image, given, { quality: 77, perStream });
      const ids = given.map(({ id }) => id!);
      expect(joinFiles(image, files, { ids, perStream })).toEqual(bytes);
      const notes = given.map((_, i) => new Uint8Array(i * 50).fill(i));
      const noted = joinFiles(image, files, { ids, notes, perStream });
      expect(noted).toEqual(
        encodeArchive(
          image,
          given.map((item, i) => ({ ...item, note: notes[i]! })),
          { quality: 77, perStream },
        ),
      );
      const read = openArchive(image, noted);
      expect(read.notes).toEqual(notes);
      expect(given.map((_, i) => read.file(i))).toEqual(files);
      const archive = openArchive(image, bytes);
      expect([archive.quality, archive.prior]).toEqual([50, 'autoregressive']);
      for (const i of new Rng(1).shuffle(Array.from(given.keys()))) {
        const found = archive.at(i);
        if (found.prior === 'samples') expect(found).toEqual({ ...given[i]!, samples: found.samples });
        else expect(found).toEqual(given[i]!);
        expect(archive.file(i)).toEqual(files[i]!);
        expect(decodeFile(image, archive.file(i))).toEqual(decodeFile(image, files[i]!));
      }
      for (let length = 0; length < bytes.length; length += 3)
        expect(() => openArchive(image, bytes.subarray(0, length)), `cut to ${length}`).toThrow();
    }
  });

  it('is not joined from files of another model, or from archives', () => {
    const [one] = items(1, () => [16, 16]) as [SymbolItem];
    const file = encodeFile(image, one.symbols, one.shape, 50);
    expect(codeThrown(() => joinFiles(image, [encodeArchive(image, [one], { quality: 50 })]))).toBe(
      'archive-mixed',
    );
    expect(codeThrown(() => joinFiles(field, [file]))).toBe('other-model');
    expect(codeThrown(() => joinFiles(image, [file], { ids: [] }))).toBe('archive-ids');
    expect(codeThrown(() => joinFiles(image, [file], { notes: [] }))).toBe('archive-notes');
    const half = [{ ...one, note: new Uint8Array(1) }, one];
    expect(codeThrown(() => encodeArchive(image, half, { quality: 50 }))).toBe('archive-notes');
    expect(codeThrown(() => encodeArchive(image, [one, { ...one, id: 'a' }], { quality: 50 }))).toBe(
      'archive-ids',
    );
  });

  it('is known to be damaged by any cut or flipped bit before an item is decoded', () => {
    const bytes = encodeArchive(
      image,
      items(3, (i) => [16, 16 + i], true),
      { quality: 50 },
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(() => openArchive(image, bytes.subarray(0, length)), `cut to ${length}`).toThrow();
    }
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openArchive(image, damaged), `bit ${bit}`).toThrow();
    }
    expect(codeThrown(() => openArchive(image, Uint8Array.of(...bytes, 0)))).toBe('truncated');
  });

  it('says what is wrong', () => {
    const bytes = encodeArchive(
      image,
      items(2, () => [16, 16]),
      { quality: 50 },
    );
    const planted = (at: number, value: number) => {
      const changed = bytes.slice();
      changed[at] = value;
      return codeThrown(() => openArchive(image, changed));
    };
    expect(planted(2, 64)).toBe('flags');
    expect(planted(2, 2)).toBe('shape');
    expect(planted(4, 0)).toBe('checksum');
    expect(planted(bytes.length - 1, 0)).toBe('checksum');
    expect(codeThrown(() => openArchive(field, bytes))).toBe('other-model');
    expect(
      codeThrown(() =>
        openArchive(image, encodeFile(image, items(1, () => [16, 16])[0]!.symbols, [16, 16], 50)),
      ),
    ).toBe('container');
    for (const i of [-1, 2, 0.5, Number.NaN])
      expect(codeThrown(() => openArchive(image, bytes).at(i))).toBe('item');
  });
});
