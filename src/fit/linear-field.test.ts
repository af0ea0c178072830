import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openReference } from '../engine/reference/reference.ts';
import { rowsOf } from '../field/channels.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { pyramid } from '../field/presets.ts';
import { type FieldSpec, modulationLength, totalChannels, weightLayout } from '../field/spec.ts';
import { clipped, fieldReach, LinearField } from './linear-field.ts';

const engine = await openReference();
const rng = new Rng(7);

/** A field of these axes; `linear`: its modulation reaches the output directly alone. */
function fieldOf(
  shape: readonly number[],
  outputs: number,
  linear: boolean,
  changes: (spec: FieldSpec) => Partial<FieldSpec> = () => ({}),
) {
  const levels = [
    { cell: null, channels: 1 },
    { cell: 3, channels: 2 },
    { cell: 1, channels: 1 },
  ];
  const plain = pyramid({ axes: shape.length, outputs, width: 5, layers: 2, w0: 4, harmonics: 1, levels });
  const spec = { ...plain, ...changes(plain) };
  const weights = initialWeights(spec, () => rng.uniform());
  const { m, mColumns } = weightLayout(spec);
  for (let i = m; i < weights.length; i++)
    if ((i - m) % mColumns < spec.layers * spec.width && linear) weights[i] = 0;
  const net = { spec, weights, rates: new Float32Array(totalChannels(spec)).fill(1) };
  const modulation = Float32Array.from({ length: modulationLength(spec, shape) }, () => rng.normal());
  const targets = Float32Array.from({ length: shape.reduce((n, a) => n * a, outputs) }, () => rng.normal());
  const at = (phi: Float32Array) => engine.evaluate(net, shape, phi, coveringGrid(shape));
  return { spec, net, shape, modulation, targets, at };
}

async function linearised({ spec, net, shape, modulation, targets, at }: ReturnType<typeof fieldOf>) {
  const values = await at(modulation);
  const signals = { shape, count: 1, modulations: modulation };
  const slopes = rowsOf(await engine.slopes(net, signals, coveringGrid(shape)), totalChannels(spec));
  return new LinearField(
    fieldReach(spec, shape),
    slopes,
    values.map((value, i) => targets[i]! - value),
  );
}

test('slopes and curvature of every number are those of the field, for 1, 2 and 3 axes, and around a circle', async () => {
  const circle = { wraps: true };
  // The next knot of a cubic cell of three samples is a sample, of no weight.
  const cubic = (levels: FieldSpec['levels']) => ({
    levels: levels.map((level) => ({ ...level, interpolation: 'cubic' as const })),
  });
  const kinds: [number[], (spec: FieldSpec) => Partial<FieldSpec>][] = [
    ...[[7], [7, 4], [4, 3, 5]].map((shape): [number[], () => object] => [shape, () => ({})]),
    [[16], ({ levels }) => cubic(levels)],
    [[5, 11], () => circle],
    [[14], ({ levels }) => ({ ...circle, ...cubic(levels) })],
  ];
  for (const [shape, changes] of kinds) {
    const field = fieldOf(shape, 2, false, changes);
    const linear = await linearised(field);
    const batch = { shape, count: 1, targets: field.targets };
    const { losses, gradient } = await engine.gradient(field.net, batch, field.modulation);
    expect(linear.loss).toBeCloseTo(losses[0]!, 4);
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const curvatures: number[] = [];
    linear.sweep((i, slope, curvature) => {
      expect(Math.abs(slope + gradient[i]!)).toBeLessThan(0.02 * largest);
      curvatures.push(curvature);
      return 0;
    });
    expect(curvatures).toHaveLength(field.modulation.length);
    // J'J of one number: what its own small change does to the field.
    const i = field.modulation.length - 2;
    const by = 1e-3;
    const moved = field.modulation.map((x, k) => (k === i ? x + by : x));
    const [before, after] = [await field.at(field.modulation), await field.at(moved)];
    const want = after.reduce((sum, x, k) => sum + ((x - before[k]!) / by) ** 2, 0);
    expect(curvatures[i]! / want).toBeCloseTo(1, 1);
  }
});

test('a sweep knows the slopes of what the one before it left, near its moves and far from them', async () => {
  for (const shape of [[40], [21, 18], [4, 9, 11]]) {
    const outputs = shape.length === 2 ? 3 : 2;
    const field = fieldOf(shape, outputs, false);
    const linear = await linearised(field);
    let visit = 0;
    linear.sweep((_, slope, curvature) => (visit++ % 23 === 0 && curvature > 0 ? slope / curvature : 0));
    const fresh = await linearised(field);
    fresh.residual = linear.residual;
    const want: number[] = [];
    fresh.sweep((_, slope) => {
      want.push(slope);
      return 0;
    });
    const got: number[] = [];
    linear.sweep((_, slope) => {
      got.push(slope);
      return 0;
    });
    expect(got).toEqual(want);
  }
});

test('of a field that is linear, a sweep knows what is left after all its moves', async () => {
  const field = fieldOf([9, 6], 3, true);
  const linear = await linearised(field);
  const moved = field.modulation.slice();
  const before = linear.loss;
  linear.sweep((i, slope, curvature) => {
    const by = curvature > 0 ? slope / curvature : 0;
    moved[i]! += by;
    return by;
  });
  const values = await field.at(moved);
  values.forEach((value, i) => {
    expect(linear.residual[i]).toBeCloseTo(field.targets[i]! - value, 3);
  });
  expect(linear.loss).toBeLessThan(before);
});

test('where targets are at a bound, values beyond it are no error, and the change of a move is exact', async () => {
  for (const shape of [[9, 6], [12]]) {
    const field = fieldOf(shape, 2, true);
    const targets = field.targets.map((value) => Math.min(0.5, Math.max(-0.5, value)));
    const sides = Int8Array.from(targets, (value) => (value === 0.5 ? 1 : value === -0.5 ? -1 : 0));
    const residualAt = async (phi: Float32Array) =>
      (await field.at(phi)).map((value, i) => targets[i]! - value);
    const lossAt = async (phi: Float32Array) =>
      clipped(await residualAt(phi), sides).reduce((sum, r) => sum + r * r, 0) / 2;
    const signals = { shape, count: 1, modulations: field.modulation };
    const slopes = rowsOf(
      await engine.slopes(field.net, signals, coveringGrid(shape)),
      totalChannels(field.spec),
    );
    const reach = fieldReach(field.spec, shape);
    const linear = new LinearField(reach, slopes, await residualAt(field.modulation), sides);
    expect(linear.loss).toBeCloseTo(await lossAt(field.modulation), 4);
    const moves = new Map<number, number>();
    const moved = field.modulation.slice();
    let [visit, foretold] = [0, linear.loss];
    linear.sweep((i, _slope, _curvature, exact) => {
      if (visit++ % 3 > 0 || exact === undefined) return 0;
      const by = i % 2 === 0 ? 0.7 : -0.4;
      foretold += exact(by);
      moves.set(i, by);
      moved[i]! += by;
      return by;
    });
    expect(moves.size).toBeGreaterThan(3);
    expect(linear.loss).toBeCloseTo(foretold, 4);
    expect(linear.loss).toBeCloseTo(await lossAt(moved), 3);
  }
});
