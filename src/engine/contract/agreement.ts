/** Values, gradients and meta-gradients agree with the float64 reference. */
import { describe, expect, it } from 'vitest';
import { rounds } from '../../../test/rounds.ts';
import { coveringGrid } from '../../field/coordinates.ts';
import { preset } from '../../field/presets.ts';
import type { FieldSpec } from '../../field/spec.ts';
import type { Subject } from '../contract.ts';
import type { Adapted, MetaGradient, OuterLoss, Points } from '../engine.ts';
import { openReference } from '../reference/reference.ts';
import { randomModulations, randomNetwork, uniformFrom } from '../testing.ts';
import { answersOf, referenceOnce } from './answers.ts';
import { fixedCases, makeCase, randomCase } from './cases.ts';
import { normError, valueError, weightBlocks } from './measure.ts';

export function describeAgreement(subject: Subject): void {
  const { values, firstOrder, secondOrder } = subject.tolerances;
  const random = Array.from({ length: subject.cases }, (_, seed) => randomCase(seed));
  const cases = [...fixedCases(), ...random].map((c) => [c.name, c] as const);

  describe.each(cases)('agrees with the reference: %s', (_, c) => {
    const { net, batch, modulations } = c;
    const one = modulations.subarray(0, modulations.length / batch.count);
    const answers = answersOf(c);

    it('in values, on a grid and at scattered points', async () => {
      const grid = coveringGrid(
        batch.shape,
        batch.shape.map((n) => 2 * n),
      );
      for (const points of [grid, { kind: 'list', coordinates: c.scattered } as const]) {
        const want = await answers.values(points.kind, points);
        const got = await subject.engine().evaluate(net, batch.shape, one, points);
        expect(valueError(got, want), points.kind).toBeLessThan(values);
      }
    });

    it('in values of all signals at the same points', async () => {
      const { shape, count } = batch;
      for (const points of [coveringGrid(shape), { kind: 'list', coordinates: c.scattered } as const]) {
        const got = await subject.engine().evaluateMany(net, { shape, count, modulations }, points);
        const want = await answers.allValues(points.kind, points);
        expect(valueError(got, want), points.kind).toBeLessThan(values);
      }
    });

    it('in slopes, of all signals at the same points', async () => {
      const signals = { shape: batch.shape, count: batch.count, modulations };
      // The reference takes differences, channel by channel: most of the time of this suite.
      const coarse = coveringGrid(
        batch.shape,
        batch.shape.map((n) => Math.ceil(n / rounds(3, 1))),
      );
      for (const points of [coarse, { kind: 'list', coordinates: c.scattered } as const]) {
        const want = await answers.allSlopes(points.kind, points);
        const got = await subject.engine().slopes(net, signals, points);
        expect(normError(got, want), points.kind).toBeLessThan(secondOrder);
      }
    });

    it('in derivatives by the coordinates, of all signals, to ten digits', async () => {
      const signals = { shape: batch.shape, count: batch.count, modulations };
      const want = await answers.derivatives();
      const got = await subject.engine().derivatives(net, signals, Float64Array.from(c.scattered));
      expect(normError(got.values, want.values)).toBeLessThan(1e-10);
      expect(normError(got.slopes, want.slopes)).toBeLessThan(1e-10);
    });

    it('in inner losses and gradients, and along inner steps from a start and from zero', async () => {
      const want = await answers.gradient();
      const got = await subject.engine().gradient(net, batch, modulations);
      expect(normError(got.losses, want.losses)).toBeLessThan(values);
      expect(normError(got.gradient, want.gradient)).toBeLessThan(firstOrder);
      for (const from of ['start', 'zero'] as const) {
        const there = await answers.adapted(3, from);
        const here = await subject.engine().adapt(net, batch, 3, from === 'start' ? { start: c.start } : {});
        expect(normError(here.trajectory, there.trajectory)).toBeLessThan(firstOrder);
        expect(normError(here.losses, there.losses)).toBeLessThan(firstOrder);
      }
    });

    it('in meta-gradients: exact, first-order, plain, and without steps', async () => {
      const full = { distortionWeight: 0.7, offset: c.offset, extraGradient: c.extraGradient };
      const runs: [string, number, OuterLoss][] = [
        ['exact', 3, full],
        ['first-order', 3, { ...full, secondOrder: false }],
        ['plain', 2, { distortionWeight: 1 }],
        ['without steps', 0, full],
      ];
      for (const [name, steps, outer] of runs) {
        const adapted = await answers.adapted(steps, 'start');
        const want = await answers.meta(name, steps, outer);
        const got = await subject.engine().metaGradient(net, batch, adapted, outer);
        const curved = outer.secondOrder !== false && steps > 0;
        expectMeta(name, net.spec, got, want, curved ? secondOrder : firstOrder, firstOrder);
      }
    });
  });

  it('values far along a signal are as good as near its start: positions of a grid are not rounded to float32', async () => {
    const levels = [
      { cell: 2 ** 14, channels: 2 },
      { cell: 2 ** 12, channels: 2 },
    ];
    const spec: FieldSpec = {
      ...preset('pyramid', { axes: 1, outputs: 1, width: 8, levels }),
      features: { global: false, local: true, harmonics: 64 },
    };
    const shape = [2 ** 23];
    const c = makeCase('long', spec, [2 ** 12], 1, false, 5);
    const modulation = new Float32Array(2 * (2 ** 9 + 2 ** 11)).fill(0.25);
    const points = { kind: 'grid', start: [2 ** 23 - 8 + 1 / 16], step: [1 / 8], count: [64] } as const;
    const want = await (await openReference()).evaluate(c.net, shape, modulation, points);
    const got = await subject.engine().evaluate(c.net, shape, modulation, points);
    expect(valueError(got, want)).toBeLessThan(values);
  });

  it.each<[string, number, number[], Omit<Extract<Points, { kind: 'grid' }>, 'kind'>]>([
    ['many points a cell', 6, [9, 11], { start: [-1, 0.2], step: [0.2, 0.12], count: [36, 70] }],
    ['backwards, beyond both ends', 6, [30, 60], { start: [32, 62], step: [-0.9, -0.9], count: [40, 70] }],
    ['many cells a step', 6, [600, 700], { start: [3, 690], step: [17, -9.5], count: [35, 72] }],
    [
      'a last column that is cut off alone',
      6,
      [9, 4033],
      { start: [0.5, 0.5], step: [1, 1], count: [9, 4033] },
    ],
    ['1 axis', 7, [1000], { start: [0.5], step: [1], count: [1000] }],
    ['3 axes', 8, [2, 33, 65], { start: [1.5, 0.5, 0.5], step: [-1, 1, 1], count: [2, 33, 65] }],
    ['3 axes, nearest', 5, [2, 40, 70], { start: [0.5, 39, 0], step: [1, -1, 1.03], count: [2, 34, 66] }],
  ])('in values of grids of any size and direction: %s', async (name, layout, shape, grid) => {
    const uniform = uniformFrom(3);
    const { net } = fixedCases()[layout]!;
    const small = randomNetwork({ ...net.spec, width: 3, layers: 2 }, 0, uniform);
    const modulation = randomModulations(small.spec, shape, 1, 0.5, uniform);
    const points = { kind: 'grid', ...grid } as const;
    const want = await referenceOnce(`grid, ${name}`, (reference) =>
      reference.evaluate(small, shape, modulation, points),
    );
    const got = await subject.engine().evaluate(small, shape, modulation, points);
    expect(valueError(got, want)).toBeLessThan(values);
  });
}

/** What is asked of the reference itself too, which has nothing that it could be held against. */
export function describeLearning(subject: Subject): void {
  it('derivatives by the coordinates are the limit of differences of its own values', async () => {
    const step = 2 ** -20;
    for (const c of fixedCases().slice(0, rounds(8, 20))) {
      const { net, batch, modulations } = c;
      const { axes, outputs } = net.spec;
      const signals = { shape: batch.shape, count: batch.count, modulations };
      // Away from the knots of cells, where lines meet and have no one slope.
      const positions = Float64Array.from(c.scattered.subarray(0, 8 * axes), (x) => Math.floor(x) + 0.3);
      const { slopes } = await subject.engine().derivatives(net, signals, positions);
      for (let axis = 0; axis < axes; axis++) {
        const at = async (by: number) => {
          const moved = positions.map((x, i) => (i % axes === axis ? x + by : x));
          return (await subject.engine().derivatives(net, signals, moved)).values;
        };
        const [above, below] = [await at(step), await at(-step)];
        const want = above.map((value, i) => (value - below[i]!) / (2 * step));
        const got = Float64Array.from({ length: want.length }, (_, i) => slopes[i * axes + axis]!);
        expect(want.length, c.name).toBe(8 * batch.count * outputs);
        expect(normError(got, want), `${c.name}, axis ${axis}`).toBeLessThan(1e-6);
      }
    }
  });

  it('inner steps on the cases of this suite lower the loss, so that they test learning and not noise', async () => {
    for (const c of fixedCases().slice(1, 11)) {
      const { losses } = await subject.engine().adapt(c.net, c.batch, 3);
      const at = (k: number) =>
        losses.subarray(k * c.batch.count, (k + 1) * c.batch.count).reduce((a, b) => a + b);
      expect(at(2), c.name).toBeLessThan(at(0));
    }
  });

  it('an adaptation of another engine can be differentiated through, its arrays untouched', async () => {
    const c = fixedCases()[6]!;
    const adapted: Adapted = await (await openReference()).adapt(c.net, c.batch, 2);
    const copies = [c.net.weights, c.net.rates, c.batch.targets, adapted.trajectory].map((a) => a.slice());
    await subject.engine().metaGradient(c.net, c.batch, adapted, { distortionWeight: 1, offset: c.offset });
    expect([c.net.weights, c.net.rates, c.batch.targets, adapted.trajectory]).toEqual(copies);
  });
}

/** The whole weight gradient is held to `tolerance`; so that no block hides behind a larger one, each is held to 10 times that. */
function expectMeta(
  name: string,
  spec: FieldSpec,
  got: MetaGradient,
  want: MetaGradient,
  tolerance: number,
  firstOrder: number,
): void {
  expect(normError(got.losses, want.losses), `${name}: losses`).toBeLessThan(firstOrder);
  expect(normError(got.modulations, want.modulations), `${name}: modulations`).toBeLessThan(firstOrder);
  expect(normError(got.rates, want.rates), `${name}: rates`).toBeLessThan(tolerance);
  expect(normError(got.weights, want.weights), `${name}: weights`).toBeLessThan(tolerance);
  for (const block of weightBlocks(spec)) {
    const error = normError(block.of(got.weights), block.of(want.weights));
    expect(error, `${name}: ${block.name}`).toBeLessThan(10 * tolerance);
  }
}
