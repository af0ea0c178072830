import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { modulationLayout } from '../field/layout.ts';
import { preset } from '../field/presets.ts';
import { addChannelDots, LogisticRate, logisticNats, noiseOffsets, roundingOffsets } from './rate.ts';

const spec = preset('pyramid', {
  axes: 2,
  outputs: 1,
  levels: [
    { cell: null, channels: 3 },
    { cell: 4, channels: 2 },
  ],
});
const layout = modulationLayout(spec, [8, 8]);
const { length, channels } = layout;

function sample(seed: number, count = 2) {
  const rng = new Rng(seed);
  return {
    x: Float32Array.from({ length: count * length }, () => rng.normal() * 2),
    logSteps: Float64Array.from({ length: channels }, () => rng.normal() - 1),
    logScales: Float64Array.from({ length: channels }, () => rng.normal()),
  };
}

const sinks = (count = 2, weight = 1) => ({
  modulations: new Float32Array(count * length),
  logScales: new Float64Array(channels),
  logSteps: new Float64Array(channels),
  weight,
});

test('nats agree with the difference of two logistic functions where that one is exact', () => {
  const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
  for (const [x, d, s] of [
    [0.3, 0.5, 1],
    [-1.2, 0.1, 0.4],
    [2, 3, 0.7],
    [0, 1, 2],
  ] as const) {
    const direct = -Math.log(sigmoid((x + d / 2) / s) - sigmoid((x - d / 2) / s));
    expect(logisticNats(x, d, s)).toBeCloseTo(direct, 12);
  }
});

test('the probabilities of all symbols sum to one', () => {
  for (const [d, s] of [
    [0.05, 1],
    [1, 1],
    [40, 0.5],
  ] as const) {
    let sum = 0;
    const n = Math.ceil((60 * s) / d);
    for (let k = -n; k <= n; k++) sum += Math.exp(-logisticNats(k * d, d, s));
    expect(sum).toBeCloseTo(1, 12);
  }
});

test('far tails, tiny and huge steps stay finite and right', () => {
  expect(logisticNats(1e4, 1, 1)).toBeCloseTo(1e4 - Math.log(2 * Math.sinh(0.5)), 6);
  expect(logisticNats(0, 1e-12, 1)).toBeCloseTo(Math.log(4e12), 9);
  expect(logisticNats(0, 1e6, 1)).toBe(0);
  expect(logisticNats(5e5, 1e6, 1)).toBeCloseTo(Math.LN2, 12);
  expect(logisticNats(6e5, 1e6, 1)).toBeCloseTo(1e5, 6);
});

test('both sides of the switch to large steps agree', () => {
  for (const x of [0, 10, 29.5, 30, 31, 50]) {
    expect(logisticNats(x, 60 - 1e-9, 1)).toBeCloseTo(logisticNats(x, 60 + 1e-9, 1), 8);
  }
});

test('a batch costs the sum of its symbols', () => {
  const { x, logSteps, logScales } = sample(1);
  let want = 0;
  x.forEach((value, i) => {
    const inSignal = i % length;
    const c = inSignal < 3 ? inSignal : 3 + ((inSignal - 3) % 2);
    want += logisticNats(value, 2.5 * Math.exp(logSteps[c]!), Math.exp(logScales[c]!));
  });
  const rate = new LogisticRate(layout);
  expect(rate.measure(x, logSteps, logScales, 2.5)).toBeCloseTo(want, 9);
  expect(rate.measure(x, logSteps, logScales, 2.5, sinks())).toBeCloseTo(want, 9);
});

test.each([
  ['ordinary steps', 0],
  ['steps far above the scale', 6],
])('gradients to modulations, scales and steps agree with finite differences: %s', (_name, shift) => {
  const { x, logSteps, logScales } = sample(2);
  for (let c = 0; c < channels; c++) logSteps[c]! += shift;
  const rate = new LogisticRate(layout);
  const weight = 0.37;
  const gradient = sinks(2, weight);
  rate.measure(x, logSteps, logScales, 1.5, gradient);
  const check = (array: Float32Array | Float64Array, at: number, got: number, e: number) => {
    const kept = array[at]!;
    array[at] = kept + e;
    const [above, high] = [array[at]!, rate.measure(x, logSteps, logScales, 1.5)];
    array[at] = kept - e;
    const [below, low] = [array[at]!, rate.measure(x, logSteps, logScales, 1.5)];
    array[at] = kept;
    const want = (weight * (high - low)) / (above - below);
    expect(Math.abs(got - want)).toBeLessThan(1e-5 * (Math.abs(want) + 1e-2));
  };
  for (let i = 0; i < x.length; i += 5) check(x, i, gradient.modulations[i]!, 1e-3);
  for (let c = 0; c < channels; c++) {
    check(logScales, c, gradient.logScales[c]!, 1e-5);
    check(logSteps, c, gradient.logSteps[c]!, 1e-5);
  }
});

test('with noise, the gradient to a step includes what the noise moves', () => {
  const { x, logSteps, logScales } = sample(3);
  const rate = new LogisticRate(layout);
  const noise = new Float32Array(x.length);
  const draw = () => {
    const rng = new Rng(9);
    noiseOffsets(layout, 2, logSteps, 2, () => rng.uniform(), noise);
    return x.map((value, i) => value + noise[i]!);
  };
  const gradient = sinks();
  rate.measure(draw(), logSteps, logScales, 2, gradient);
  addChannelDots(layout, noise, gradient.modulations, gradient.logSteps);
  for (let c = 0; c < channels; c++) {
    const kept = logSteps[c]!;
    logSteps[c] = kept + 1e-3;
    const high = rate.measure(draw(), logSteps, logScales, 2);
    logSteps[c] = kept - 1e-3;
    const low = rate.measure(draw(), logSteps, logScales, 2);
    logSteps[c] = kept;
    expect(gradient.logSteps[c]!).toBeCloseTo((high - low) / 2e-3, 2);
  }
});

test('rounding offsets lead to multiples of the step, at most half a step away', () => {
  const { x, logSteps } = sample(4);
  const offsets = new Float32Array(x.length);
  roundingOffsets(layout, x, logSteps, 0.5, offsets);
  x.forEach((value, i) => {
    const inSignal = i % length;
    const step = 0.5 * Math.exp(logSteps[inSignal < 3 ? inSignal : 3 + ((inSignal - 3) % 2)]!);
    const ratio = (value + offsets[i]!) / step;
    expect(Math.abs(ratio - Math.round(ratio))).toBeLessThan(1e-5 * (1 + Math.abs(ratio)));
    expect(Math.abs(offsets[i]!)).toBeLessThanOrEqual(step * 0.500001);
  });
});
