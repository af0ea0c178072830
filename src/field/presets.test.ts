import { describe, expect, it } from 'vitest';
import { initialWeights } from './initialise.ts';
import { preset, presetNames } from './presets.ts';
import { featureCount, modulationLength, weightLayout } from './spec.ts';

describe('presets', () => {
  it.each(presetNames)('%s is a specification for 1, 2 and 3 axes', (name) => {
    for (const axes of [1, 2, 3]) {
      const spec = preset(name, { axes, outputs: 2 });
      expect(spec.axes).toBe(axes);
      for (const level of spec.levels) expect(level.cell?.length ?? axes).toBe(axes);
      expect(featureCount(spec)).toBeGreaterThan(0);
    }
  });

  it('lay their modulation out as their papers do', () => {
    const shape = [32, 32];
    const length = (name: (typeof presetNames)[number], more = {}) =>
      modulationLength(preset(name, { axes: 2, outputs: 3, ...more }), shape);
    expect(length('coin')).toBe(0);
    expect(length('functa', { channels: 256 })).toBe(256);
    expect(length('patch', { cell: 16, channels: 10 })).toBe(4 * 10);
    expect(length('spatial', { cell: [4, 8], channels: 5 })).toBe(8 * 4 * 5);
    expect(length('pyramid')).toBe(4 * 16 + 16 * 16 + 64 * 12);
  });

  it('refuse what cannot be computed, naming the member', () => {
    const options = { axes: 2, outputs: 3 };
    expect(() => preset('patch', { ...options, cell: 0 })).toThrow('levels[0].cell[0]');
    expect(() => preset('spatial', { ...options, cell: [4] })).toThrow('levels[0].cell');
    expect(() => preset('functa', { ...options, width: 1.5 })).toThrow('width');
    expect(() => preset('coin', { ...options, axes: 4 })).toThrow('axes');
    expect(() => preset('other' as 'coin', options)).toThrow("no preset 'other'");
  });
});

describe('initial weights', () => {
  const spec = preset('pyramid', { axes: 2, outputs: 3, w0: 30 });
  const layout = weightLayout(spec);

  it('stay within the bounds of their block', () => {
    const weights = initialWeights(spec, () => 0);
    const hidden = Math.fround(Math.sqrt(6 / 64));
    expect(weights).toHaveLength(layout.length);
    expect(weights[layout.w[0]!.at]).toBe(Math.fround(-1 / 8));
    expect(weights[layout.w[1]!.at]).toBeCloseTo(-hidden / 30, 7);
    expect(weights[layout.wo]).toBeCloseTo(-hidden / 8, 7);
    expect(weights[layout.bo]).toBe(0);
    expect(weights[layout.m]).toBeCloseTo(-Math.sqrt(6 / 44) / 30, 7);
    expect(weights[layout.m + layout.mColumns - 1]).toBeCloseTo(-Math.sqrt(6 / 44) / 240, 7);
  });

  it('follow from the source of numbers alone', () => {
    const counter = () => {
      let i = 0;
      return () => (i++ * 0.618034) % 1;
    };
    expect(initialWeights(spec, counter())).toEqual(initialWeights(spec, counter()));
  });
});
