import { describe, expect, it } from 'vitest';
import { Pace } from '../../core/pace.ts';
import { type Network64, network64 } from '../../field/field64.ts';
import { preset } from '../../field/presets.ts';
import { type FieldSpec, modulationLength, totalChannels } from '../../field/spec.ts';
import { randomBatch, randomNetwork, uniformFrom } from '../testing.ts';
import {
  adapt64,
  emptyGradient,
  innerCurvature,
  innerLoss,
  metaGradient64,
  type Outer64,
  type Signal64,
  sampleSites,
} from './learn64.ts';

const specs: [string, FieldSpec, number[]][] = [
  ['coin, 2 axes', preset('coin', { axes: 2, outputs: 3, width: 7, layers: 3 }), [4, 5]],
  [
    'functa, 1 axis',
    preset('functa', { axes: 1, outputs: 1, width: 6, layers: 2, channels: 5, w0: 10 }),
    [13],
  ],
  [
    'functa, 2 axes',
    preset('functa', { axes: 2, outputs: 3, width: 5, layers: 3, channels: 9, w0: 10 }),
    [5, 6],
  ],
  [
    'patch, 2 axes',
    preset('patch', { axes: 2, outputs: 2, width: 6, layers: 2, channels: 4, cell: 3, w0: 10 }),
    [5, 7],
  ],
  [
    'patch, 1 axis',
    preset('patch', { axes: 1, outputs: 2, width: 6, layers: 2, channels: 4, cell: 4 }),
    [11],
  ],
  [
    'spatial, 2 axes',
    preset('spatial', { axes: 2, outputs: 3, width: 6, channels: 5, cell: [2, 3] }),
    [5, 7],
  ],
  [
    'spatial, nearest',
    preset('spatial', { axes: 2, outputs: 1, width: 6, channels: 5, interpolation: 'nearest' }),
    [9, 6],
  ],
  [
    'pyramid, 3 axes',
    preset('pyramid', {
      axes: 3,
      outputs: 1,
      width: 5,
      levels: [
        { cell: null, channels: 3 },
        { cell: 2, channels: 2 },
      ],
    }),
    [3, 4, 3],
  ],
  [
    'pyramid, 2 axes',
    preset('pyramid', {
      axes: 2,
      outputs: 3,
      width: 8,
      levels: [
        { cell: 4, channels: 3 },
        { cell: 2.5, channels: 2 },
      ],
    }),
    [7, 6],
  ],
  ['one layer, one unit', preset('pyramid', { axes: 1, outputs: 1, width: 1, layers: 1 }), [20]],
];

describe.each(specs)('reference: %s', (_, spec, shape) => {
  const uniform = uniformFrom(spec.width * 1000 + shape.length);
  const net = network64(randomNetwork(spec, 0.02, uniform));
  const signalMade = randomSignal(net, shape, uniform);
  const pace = new Pace();
  const m = modulationLength(spec, shape);
  const draw = (n: number, bound: number) =>
    Float64Array.from({ length: n }, () => (2 * uniform() - 1) * bound);

  it('the gradient of the inner loss agrees with finite differences, weights and modulation', async () => {
    const signal = await signalMade;
    const phi = draw(m, 0.3);
    const g = emptyGradient(net, m);
    await innerLoss(net, signal, phi, pace, g);
    for (const [name, direction] of weightDirections(net, uniform)) {
      const slope = await difference((e) => innerLoss(moved(net, direction, e), signal, phi, pace));
      expect(relative(dot(g.weights, direction), slope), name).toBeLessThan(1e-6);
    }
    if (m === 0) return;
    const direction = draw(m, 1);
    const slope = await difference((e) => innerLoss(net, signal, step(phi, direction, e), pace));
    expect(relative(dot(g.modulation, direction), slope)).toBeLessThan(1e-6);
  });

  it('the R-operator agrees with finite differences of the gradient', async () => {
    const signal = await signalMade;
    const phi = draw(m, 0.3);
    const along = draw(m, 1);
    const exact = emptyGradient(net, m);
    await innerCurvature(net, signal, phi, along, pace, exact);
    const gradientAt = async (e: number) => {
      const g = emptyGradient(net, m);
      await innerLoss(net, signal, step(phi, along, e), pace, g);
      return g;
    };
    const e = 1e-5;
    const [up, down] = [await gradientAt(e), await gradientAt(-e)];
    for (const part of ['weights', 'modulation'] as const) {
      const slope = up[part].map((u, i) => (u - down[part][i]!) / (2 * e));
      expect(distance(exact[part], slope), part).toBeLessThan(1e-6);
    }
  });

  it('the meta-gradient agrees with finite differences through the whole inner loop', async () => {
    const signal = await signalMade;
    const start = draw(m, 0.2);
    const outer: Outer64 = {
      distortionWeight: 0.7,
      offset: draw(m, 0.1),
      extraGradient: draw(m, 1),
      secondOrder: true,
    };
    const loss = async (n: Network64) => {
      const phi = (await adapt64(n, signal, 3, start, pace)).trajectory[3]!;
      return (
        outer.distortionWeight * (await innerLoss(n, signal, step(phi, outer.offset, 1), pace)) +
        dot(outer.extraGradient, phi)
      );
    };
    const { trajectory } = await adapt64(net, signal, 3, start, pace);
    const exact = await metaGradient64(net, signal, trajectory, outer, pace);
    for (const [name, direction] of weightDirections(net, uniform)) {
      const slope = await difference((e) => loss(moved(net, direction, e)));
      expect(relative(dot(exact.weights, direction), slope), name).toBeLessThan(1e-5);
    }
    for (let c = 0; c < totalChannels(spec); c++) {
      const slope = await difference((e) =>
        loss({ ...net, rates: net.rates.map((r, i) => (i === c ? r + e : r)) }),
      );
      expect(Math.abs(exact.rates[c]! - slope)).toBeLessThan(1e-5 * norm(exact.rates));
    }
  });

  it('without curvature the meta-gradient is that of the outer loss with the adapted modulation held', async () => {
    const signal = await signalMade;
    const { trajectory } = await adapt64(net, signal, 2, draw(m, 0.2), pace);
    const offset = new Float64Array(m);
    const outer: Outer64 = { distortionWeight: 2, offset, extraGradient: offset, secondOrder: false };
    const got = await metaGradient64(net, signal, trajectory, outer, pace);
    const g = emptyGradient(net, m);
    await innerLoss(net, signal, trajectory[2]!, pace, g);
    expect(
      distance(
        got.weights,
        g.weights.map((w) => 2 * w),
      ),
    ).toBeLessThan(1e-14);
    expect(
      distance(
        got.modulation,
        g.modulation.map((w) => 2 * w),
      ),
    ).toBeLessThan(1e-14);
  });
});

async function randomSignal(net: Network64, shape: number[], uniform: () => number): Promise<Signal64> {
  const batch = randomBatch(net.spec, shape, 1, true, uniform);
  return {
    shape,
    sites: await sampleSites(net, shape, new Pace()),
    targets: Float64Array.from(batch.targets),
    weights: Float64Array.from(batch.weights!),
  };
}

/** A random direction in each block of the weights, so that no block hides behind a larger one. */
function weightDirections(net: Network64, uniform: () => number): [string, Float64Array][] {
  const { layout, spec } = net;
  const inside = (from: number, n: number) => (i: number) => i >= from && i < from + n;
  const column = (i: number) => (i - layout.m) % layout.mColumns;
  const blocks: [string, (i: number) => boolean][] = [
    ['Wo', inside(layout.wo, spec.width * spec.outputs)],
    ['bo', inside(layout.bo, spec.outputs)],
    ['M to layers', (i) => i >= layout.m && column(i) < spec.layers * spec.width],
    ['M to outputs', (i) => i >= layout.m && column(i) >= spec.layers * spec.width],
  ];
  layout.w.forEach(({ at, rows }, l) => {
    blocks.push(
      [`W${l + 1}`, inside(at, rows * spec.width)],
      [`b${l + 1}`, inside(layout.b[l]!, spec.width)],
    );
  });
  return blocks
    .map(([name, has]): [string, Float64Array] => [
      name,
      net.weights.map((_, i) => (has(i) ? 2 * uniform() - 1 : 0)),
    ])
    .filter(([, direction]) => norm(direction) > 0);
}

function moved(net: Network64, direction: Float64Array, e: number): Network64 {
  return { ...net, weights: step(net.weights, direction, e) };
}

function step(x: Float64Array, direction: Float64Array, e: number): Float64Array {
  return x.map((value, i) => value + e * direction[i]!);
}

/** Fourth-order central difference at 0. */
async function difference(f: (e: number) => Promise<number>, h = 2e-4): Promise<number> {
  const [near, far] = [(await f(h)) - (await f(-h)), (await f(2 * h)) - (await f(-2 * h))];
  return (8 * near - far) / (12 * h);
}

function relative(a: number, b: number): number {
  return Math.abs(a - b) / Math.max(Math.abs(b), 1e-3);
}

function distance(a: Float64Array, b: Float64Array): number {
  return norm(a.map((value, i) => value - b[i]!)) / Math.max(norm(b), 1e-12);
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
