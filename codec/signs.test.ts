import { expect, it } from 'vitest';
import { FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { rounds } from '../test/rounds.ts';
import { decodeSigns, encodeSigns } from './signs.ts';

const grid = { columns: 5, channels: 2, slice: 30 };

it('signs are read as they were written, of any grid', () => {
  const rng = new Rng(1);
  for (let run = 0; run < 40; run++) {
    const [columns, channels, rows, slices] = [
      1 + rng.below(6),
      1 + rng.below(3),
      1 + rng.below(5),
      rng.below(4),
    ];
    const own = { columns, channels, slice: columns * channels * rows };
    const share = rng.uniform();
    const below = Uint8Array.from({ length: own.slice * slices }, () => Number(rng.uniform() < share));
    const near = Float32Array.from({ length: channels }, () => 0.01 + rng.uniform());
    const bytes = encodeSigns({ near, below: below.slice() }, own);
    expect(decodeSigns(bytes, below.length, own)).toEqual({ near, below });
  }
});

it('a box in a cube of 32 takes less than 40 bytes', () => {
  const inside = (i: number) => i > 7 && i < 23;
  const below = Uint8Array.from({ length: 32 ** 3 }, (_, p) =>
    Number(inside(p >> 10) && inside((p >> 5) & 31) && inside(p & 31)),
  );
  const cube = { columns: 32, channels: 1, slice: 1024 };
  expect(encodeSigns({ near: Float32Array.of(1), below }, cube).length).toBeLessThan(40);
});

it('signs of no size, cut, or of any bytes are signs or a tagged error', () => {
  const below = Uint8Array.from({ length: 90 }, (_, i) => Number(i % 7 < 3));
  const whole = encodeSigns({ near: Float32Array.of(0.5, 2), below }, grid);
  for (const near of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const bytes = encodeSigns({ near: Float32Array.of(1, near), below: below.slice() }, grid);
    expect(() => decodeSigns(bytes, 90, grid)).toThrow(FunctaError);
  }
  for (let cut = 0; cut < 8; cut++)
    expect(() => decodeSigns(whole.subarray(0, cut), 90, grid)).toThrow(FunctaError);
  const rng = new Rng(2);
  for (let run = 0; run < rounds(300, 20_000); run++) {
    const bytes = Uint8Array.from({ length: rng.below(60) }, () => rng.below(256));
    try {
      const { below: found } = decodeSigns(bytes, 90, grid);
      expect(found.every((bit) => bit === 0 || bit === 1)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(FunctaError);
    }
  }
});
