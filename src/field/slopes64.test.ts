import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { forward, network64, siteAt } from './field64.ts';
import { initialWeights } from './initialise.ts';
import { pyramid } from './presets.ts';
import { channelGradient, placeAt, valueAndSlope } from './slopes64.ts';
import { type FieldSpec, modulationLength } from './spec.ts';

const shape = [13, 9];
const base = pyramid({
  axes: 2,
  outputs: 2,
  width: 8,
  layers: 2,
  w0: 3,
  levels: [
    { cell: 6, channels: 3 },
    { cell: 3, channels: 2 },
  ],
});
const spec: FieldSpec = {
  ...base,
  features: { global: true, local: true, harmonics: 3, period: [9, 5] },
  levels: [...base.levels, { cell: null, channels: 2, interpolation: 'linear' }],
};

function setting() {
  const rng = new Rng(3);
  const net = network64({ spec, weights: initialWeights(spec, () => rng.uniform()), rates: [] });
  const phi = Float64Array.from({ length: modulationLength(spec, shape) }, () => rng.normal() / 4);
  return { net, phi };
}

describe('derivatives of a field', () => {
  it('by the coordinates are the limit of differences', () => {
    const { net, phi } = setting();
    const step = 1e-5;
    for (const x of [
      [4.2, 3.7],
      [0.3, 8.9],
      [12.6, 0.2],
      [7.7, 5.1],
    ]) {
      const { values, slope } = valueAndSlope(net, placeAt(spec, shape, x), phi);
      expect([...values]).toEqual([...forward(net, siteAt(spec, shape, x), phi).f]);
      for (let axis = 0; axis < 2; axis++) {
        const at = (d: number) => forward(net, siteAt(spec, shape, x.with(axis, x[axis]! + d)), phi).f;
        const [up, down] = [at(step), at(-step)];
        for (let o = 0; o < 2; o++) {
          expect(slope[o * 2 + axis]).toBeCloseTo((up[o]! - down[o]!) / (2 * step), 5);
        }
      }
    }
  });

  it('by the channels are the limit of differences', () => {
    const { net, phi } = setting();
    const site = siteAt(spec, shape, [4.2, 3.7]);
    const gradient = channelGradient(net, forward(net, site, phi));
    const step = 1e-5;
    const channels = gradient.length / 2;
    for (const { from, to, channels: n, weight } of site.taps.filter((tap) => tap.weight > 0.1)) {
      for (let c = 0; c < n; c++) {
        const at = (d: number) => forward(net, site, phi.with(from + c, phi[from + c]! + d)).f;
        const [up, down] = [at(step), at(-step)];
        const shared = site.taps.filter((tap) => tap.from === from && tap.to === to);
        const sum = shared.reduce((total, tap) => total + tap.weight, 0);
        expect(weight).toBeGreaterThan(0);
        for (let o = 0; o < 2; o++) {
          expect(sum * gradient[o * channels + to + c]!).toBeCloseTo((up[o]! - down[o]!) / (2 * step), 5);
        }
      }
    }
  });
});
