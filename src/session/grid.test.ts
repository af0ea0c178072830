import { describe, expect, it } from 'vitest';
import { LimitError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { parseSize } from '../signal/region.ts';
import { outputGrid } from './grid.ts';

describe('output grid', () => {
  it('reads factors and width x height, fastest axis first in text', () => {
    expect(parseSize('4x')).toEqual({ factor: 4 });
    expect(parseSize('0.5x')).toEqual({ factor: 0.5 });
    expect(parseSize('640x480')).toEqual({ shape: [480, 640] });
    expect(parseSize('16000')).toEqual({ shape: [16000] });
  });

  it.each(['', 'x', '4', 'x4', '-1x', '1e3x', '4x4x', '4 x'])(
    "size '%s' is a tagged error for a picture",
    (text) => {
      expect(() => outputGrid([8, 8], { size: text }, defaultLimits)).toThrow(
        expect.objectContaining({ code: 'bad-size' }),
      );
    },
  );

  it.each(['', '1,2,3', '0,0,9,1', '0,0,0,1', '-1,0,1,1', '1,1', '1.5,0,1,1'])(
    "region '%s' of an 8 x 8 picture is a tagged error",
    (text) => {
      expect(() => outputGrid([8, 8], { region: text }, defaultLimits)).toThrow(
        expect.objectContaining({ code: 'bad-region' }),
      );
    },
  );

  it('puts samples at cell centres of the asked size', () => {
    const grid = outputGrid([8, 6], { size: '2x' }, defaultLimits);
    expect(grid.shape).toEqual([16, 12]);
    expect(grid.points(0, 16)).toEqual({
      kind: 'grid',
      start: [0.25, 0.25],
      step: [0.5, 0.5],
      count: [16, 12],
    });
    expect(grid.points(3, 2)).toMatchObject({ start: [1.75, 0.25], count: [2, 12] });
  });

  it('cuts the asked size: a region has the points of the whole there', () => {
    const grid = outputGrid([8, 8], { size: '4x', region: '5,6,7,8' }, defaultLimits);
    expect(outputGrid([8, 8], { size: '4x', region: 'y=6:14,x=5:12' }, defaultLimits).shape).toEqual([8, 7]);
    expect(grid.shape).toEqual([8, 7]);
    expect(grid.points(1, 1)).toMatchObject({ start: [7.5 / 4, 5.5 / 4], count: [1, 7] });
  });

  it('refuses more samples than the limit, and lets a small region of a huge size through', () => {
    const limits = { ...defaultLimits, maxSamples: 1000 };
    expect(() => outputGrid([8, 8], { size: '100x' }, limits)).toThrow(LimitError);
    expect(outputGrid([8, 8], { size: '100x', region: '0,0,10,10' }, limits).shape).toEqual([10, 10]);
    expect(() => outputGrid([8, 8], { size: '99999999999x' }, limits)).toThrow(LimitError);
  });
});
