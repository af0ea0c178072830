import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { openReference } from '../engine/reference/reference.ts';
import { rowsOf } from '../field/channels.ts';
import { coveringGrid } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import { pyramid } from '../field/presets.ts';
import { type FieldSpec, modulationLength, totalChannels, weightLayout } from '../field/spec.ts';
import { clipped, LinearFields } from './linear-field.ts';
import { fieldReach } from './reach.ts';

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
  const linear = linearOf(spec, shape, 1);
  linear.linearise(
    slopes,
    values.map((value, i) => targets[i]! - value),
  );
  return linear;
}

/** Of symbols of this step, all channels of which may change. */
function linearOf(spec: FieldSpec, shape: readonly number[], step: number) {
  const reach = fieldReach(spec, shape);
  const channels = Array.from({ length: reach.channels }, (_, c) => c);
  return new LinearFields(reach, channels, new Float64Array(reach.length).fill(step), 1).of(0);
}

const nothing = { damping: 0, price: () => Number.POSITIVE_INFINITY };
const zeros = (length: number) => new Int32Array(length);

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
    const m = field.modulation.length;
    expect(linear.sweep(zeros(m), zeros(m), nothing)).toBe(false);
    linear.slopes.forEach((slope, i) => {
      expect(Math.abs(slope + gradient[i]!)).toBeLessThan(0.02 * largest);
    });
    const curvatures = linear.curvature;
    expect(curvatures).toHaveLength(m);
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
    const m = field.modulation.length;
    const some = { damping: 0, price: (i: number) => (i % 23 === 0 ? 0 : Number.POSITIVE_INFINITY) };
    const tried = zeros(m);
    linear.sweep(tried, zeros(m), some);
    expect(tried.filter((symbol) => symbol !== 0).length).toBeGreaterThan(0);
    const fresh = await linearised(field);
    fresh.residual = linear.residual;
    fresh.sweep(zeros(m), zeros(m), nothing);
    linear.sweep(zeros(m), zeros(m), nothing);
    expect(linear.slopes).toEqual(fresh.slopes);
  }
});

test('of a field that is linear, a sweep knows what is left after all its moves', async () => {
  const field = fieldOf([9, 6], 3, true);
  const linear = await linearised(field);
  const before = linear.loss;
  const tried = zeros(field.modulation.length);
  linear.sweep(tried, tried.slice(), { damping: 0, price: () => 0 });
  const values = await field.at(field.modulation.map((x, i) => x + tried[i]!));
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
    const linear = linearOf(field.spec, shape, 0.01);
    linear.linearise(slopes, await residualAt(field.modulation), sides);
    expect(linear.loss).toBeCloseTo(await lossAt(field.modulation), 4);
    const m = field.modulation.length;
    const tried = zeros(m);
    const moves: number[] = [];
    // What each move is worth is what the loss falls by: at a price of a little less none is made.
    linear.sweep(tried, tried.slice(), {
      damping: 0,
      price: (i, from, to) => {
        if (i % 3 > 0) return Number.POSITIVE_INFINITY;
        moves.push(to - from);
        return 0;
      },
    });
    expect(moves.length).toBeGreaterThan(3);
    expect(linear.loss).toBeLessThan(await lossAt(field.modulation));
    expect(linear.loss).toBeCloseTo(await lossAt(field.modulation.map((x, i) => x + 0.01 * tried[i]!)), 3);
    for (const i of [0, 1, 2].map((k) => Math.floor((k * m) / 3))) {
      const start = linear.loss;
      const residual = linear.residual;
      const own = zeros(m);
      let least = 0;
      linear.residual = await residualAt(field.modulation);
      const plain = linear.loss;
      linear.sweep(own, zeros(m), { damping: 0, price: (j) => (j === i ? 0 : Number.POSITIVE_INFINITY) });
      const gain = plain - linear.loss;
      for (const price of [0.99 * gain, 1.01 * gain]) {
        linear.residual = await residualAt(field.modulation);
        const again = zeros(m);
        linear.sweep(again, zeros(m), {
          damping: 0,
          price: (j) => (j === i ? price : Number.POSITIVE_INFINITY),
        });
        if (gain > 1e-6) least += again[i] === 0 ? 0 : 1;
      }
      if (gain > 1e-6) expect(least).toBe(1);
      linear.residual = residual;
      expect(linear.loss).toBeCloseTo(start, 5);
    }
  }
});
