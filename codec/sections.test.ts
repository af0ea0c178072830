import { describe, expect, it } from 'vitest';
import { FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { rounds } from '../test/rounds.ts';
import { decodeAffine, encodeAffine } from './affine.ts';
import { decodeMask, encodeMask } from './mask.ts';
import { decodeNames, encodeNames } from './names.ts';
import { decodeResidual, encodeResidual, mostSteps } from './residual.ts';
import { asTheOneBefore, fromTheOneBefore, parseSections, sectionIds, writeSections } from './sections.ts';

const grid = { columns: 9, channels: 2, slice: 54 };

/** Of a few kinds, by chance: [points, channels]. */
function numbersOf(rng: Rng, count: number): Int32Array {
  const spread = [0, 1, 3, 400, mostSteps - 1][rng.below(5)]!;
  return Int32Array.from({ length: count }, () =>
    rng.below(3) === 0 ? 0 : rng.below(2 * spread + 1) - spread,
  );
}

describe('sections', () => {
  it('are read as they were written, in order of their numbers', () => {
    const sections = [
      { id: 200, bytes: Uint8Array.of(1, 2, 3) },
      { id: 1, bytes: new Uint8Array(0) },
    ];
    expect(parseSections(writeSections(sections))).toEqual([sections[1], sections[0]]);
  });

  it('that are not known are passed over from 128 on and refused below', () => {
    expect(parseSections(writeSections([{ id: 250, bytes: Uint8Array.of(9) }]))).toHaveLength(1);
    expect(() => parseSections(writeSections([{ id: 99, bytes: Uint8Array.of(9) }]))).toThrow(
      'later program',
    );
  });

  it('of axes are written once for items of an archive that have the same', () => {
    const [axes, other] = [1, 2].map((byte) => ({ id: sectionIds.axes, bytes: Uint8Array.of(byte) }));
    const mask = { id: sectionIds.mask, bytes: new Uint8Array(0) };
    const items = [[mask, axes!], [axes!], [mask, other!], [], [other!]];
    const written = items.map((own, i) => asTheOneBefore(own, items[i - 1] ?? []));
    expect(written.map((own) => own.map(({ bytes }) => bytes.length))).toEqual([
      [0, 1],
      [0],
      [0, 1],
      [],
      [1],
    ]);
    expect(written.map((own, i) => fromTheOneBefore(own, items[i - 1] ?? []))).toEqual(items);
    expect(fromTheOneBefore(written[1]!, [mask])).toEqual(written[1]);
  });

  it('twice, cut, changed or with a length beyond their bytes are tagged errors', () => {
    const twice = [1, 1].map((id) => ({ id, bytes: Uint8Array.of(0) }));
    expect(() => writeSections(twice)).toThrow('each once');
    const whole = writeSections([{ id: 1, bytes: Uint8Array.of(1, 2, 3, 4) }]);
    for (let cut = 0; cut < whole.length; cut++)
      expect(() => parseSections(whole.subarray(0, cut))).toThrow(FunctaError);
    for (let i = 0; i < whole.length; i++) {
      const changed = whole.slice();
      changed[i]! ^= 1;
      expect(() => parseSections(changed)).toThrow(FunctaError);
    }
  });
});

const ranges = [
  { offset: -273.15, scale: 1e-300 },
  { offset: 1e300, scale: 0.1 },
];

it('ranges are read as they were written, and refused where they map to nothing', () => {
  expect(decodeAffine(encodeAffine(ranges), 2)).toEqual(ranges);
  expect(() => decodeAffine(encodeAffine(ranges), 1)).toThrow('1 outputs take 16');
  for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => decodeAffine(encodeAffine([{ offset: 0, scale }]), 1)).toThrow(FunctaError);
  for (const offset of [Number.NaN, Number.NEGATIVE_INFINITY])
    expect(() => decodeAffine(encodeAffine([{ offset, scale: 1 }]), 1)).toThrow(FunctaError);
});

const named = [{ name: 'air', unit: 'K' }, { name: 'mer d\u2019huile' }];

it('names are read as they were written; long ones are not written', () => {
  expect(decodeNames(encodeNames(named)!, 2)).toEqual(named);
  expect(() => decodeNames(encodeNames(named)!, 1)).toThrow('for 1 outputs');
  expect(encodeNames([{ name: 'a'.repeat(129) }])).toBeUndefined();
  expect(encodeNames([{ name: 'a', unit: 'K\n' }])).toBeUndefined();
  for (const text of ['[{"name":1}]', '[null]', '{}', '[{"name":""}]', '[', '\u00ff'])
    expect(() => decodeNames(Buffer.from(text, 'latin1'), 1)).toThrow(FunctaError);
});

describe('masks and residuals', () => {
  it('are read as they were written', () => {
    const rng = new Rng(5);
    for (let n = 0; n < rounds(40, 4000); n++) {
      const count = 54 * (1 + rng.below(4));
      const missing = Uint8Array.from({ length: count }, () => Number(rng.below(1 + (n % 7)) === 1));
      expect(decodeMask(encodeMask(missing, grid), count, grid)).toEqual(missing);
      const residual = { steps: Float64Array.of(0.25, 1e-3), numbers: numbersOf(rng, count) };
      expect(decodeResidual(encodeResidual(residual, grid), count, grid)).toEqual(residual);
    }
  });

  it('the largest numbers of steps pass', () => {
    const numbers = Int32Array.of(mostSteps, -mostSteps, mostSteps - 1, 0, 1, -1);
    const own = { columns: 3, channels: 1, slice: 6 };
    const steps = Float64Array.of(2);
    expect(decodeResidual(encodeResidual({ steps, numbers }, own), 6, own).numbers).toEqual(numbers);
  });

  it('a land of one shape takes few bytes: forty thousand points with one coast, below 500', () => {
    const columns = 400;
    const missing = Uint8Array.from({ length: 40_000 }, (_, i) => {
      const [y, x] = [Math.floor(i / columns), i % columns];
      return Number((x - 200) ** 2 + 3 * (y - 50) ** 2 < 4000);
    });
    const own = { columns, channels: 1 };
    const bytes = encodeMask(missing, own);
    expect(bytes.length).toBeLessThan(500);
    expect(decodeMask(bytes, missing.length, own)).toEqual(missing);
  });

  it('any bytes give values or a tagged error, never anything else', () => {
    const rng = new Rng(6);
    const residual = encodeResidual({ steps: Float64Array.of(1, 1), numbers: numbersOf(rng, 108) }, grid);
    const mask = encodeMask(
      Uint8Array.from({ length: 108 }, () => rng.below(2)),
      grid,
    );
    const affine = encodeAffine(ranges);
    const names = encodeNames(named)!;
    for (let n = 0; n < rounds(1000, 300_000); n++) {
      for (const [bytes, read] of [
        [residual, (b: Uint8Array) => decodeResidual(b, 108, grid)],
        [mask, (b: Uint8Array) => decodeMask(b, 108, grid)],
        [affine, (b: Uint8Array) => decodeAffine(b, 2)],
        [names, (b: Uint8Array) => decodeNames(b, 2)],
        [writeSections([{ id: 1, bytes: mask }]), parseSections],
      ] as const) {
        const changed = bytes.slice(0, bytes.length - rng.below(3));
        for (let k = rng.below(4); k >= 0; k--) changed[rng.below(changed.length)] = rng.below(256);
        try {
          read(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(FunctaError);
        }
      }
    }
    // A terabyte of points in a few bytes is refused before anything is made of it.
    expect(() => decodeMask(Uint8Array.of(1, 2, 3), 1e12, grid)).toThrow(FunctaError);
    expect(() => decodeResidual(residual, 1e12, grid)).toThrow(FunctaError);
  });
});
