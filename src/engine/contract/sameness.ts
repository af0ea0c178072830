/** The same question has the same answer: at any number of threads, in any company, however often it is asked. */
import { describe, expect, it } from 'vitest';
import { rounds } from '../../../test/rounds.ts';
import { coveringGrid } from '../../field/coordinates.ts';
import { preset } from '../../field/presets.ts';
import type { Subject } from '../contract.ts';
import type { Engine } from '../engine.ts';
import { randomModulations, uniformFrom } from '../testing.ts';
import { type Case, fixedCases, makeCase } from './cases.ts';
import { sameBits, valueError } from './measure.ts';

export function describeSameness(subject: Subject): void {
  describe('gives the same bits', () => {
    // Where nothing is divided among threads, size adds nothing.
    const sizes = subject.threaded
      ? { shared: [21, 19], single: [37, 23] }
      : { shared: [9, 7], single: [11, 8] };
    const shared = makeCase(
      'shared',
      preset('pyramid', { axes: 2, outputs: 3, width: 17 }),
      sizes.shared,
      3,
      true,
      11,
    );
    const single = makeCase(
      'single',
      preset('pyramid', { axes: 2, outputs: 3, width: 9 }),
      sizes.single,
      1,
      false,
      12,
    );

    it('from one call to the next, in calls made at the same time, and at 1 and 2 threads', async () => {
      const others = subject.threaded
        ? [await subject.open({ threads: 1 }), await subject.open({ threads: 2 })]
        : [];
      try {
        for (const c of [shared, single, ...fixedCases().slice(0, rounds(1, 3))]) {
          const first = await everything(subject.engine(), c);
          const askedAgain = [subject.engine(), ...others].map((engine) => everything(engine, c));
          for (const repeat of await Promise.all(askedAgain)) expectSame(c.name, repeat, first);
        }
      } finally {
        for (const engine of others) await engine.close();
      }
    });

    it('whatever was computed in between, and whatever becomes of the arrays it gave', async () => {
      const first = await everything(subject.engine(), shared);
      const kept = first.map((array) => array.slice());
      for (const array of await everything(subject.engine(), shared)) array.fill(7);
      await everything(subject.engine(), single);
      expectSame('after other work', await everything(subject.engine(), shared), kept);
      expectSame('results are not shared', first, kept);
    });
  });

  describe('gives values that depend on their position alone', () => {
    const expectOverlap = (got: Float32Array, want: Float32Array, what: string) => {
      if (subject.exactOverlap) expect(sameBits(got, want), what).toBe(true);
      else expect(valueError(got, want), what).toBeLessThan(1e-6);
    };

    it.each([
      [100, 40],
      [1, 40],
      [300, 5],
    ])('%i points asked of %i signals together and one by one', async (points, count) => {
      const { net, batch } = fixedCases()[6]!;
      const { shape } = batch;
      const uniform = uniformFrom(4);
      const modulations = randomModulations(net.spec, shape, count, 0.5, uniform);
      const coordinates = Float32Array.from({ length: 2 * points }, (_, i) => uniform() * shape[i % 2]!);
      const list = { kind: 'list', coordinates } as const;
      for (const where of points === 100 ? [list, coveringGrid(shape)] : [list]) {
        const all = await subject.engine().evaluateMany(net, { shape, count, modulations }, where);
        const m = modulations.length / count;
        for (const i of [0, count >> 1, count - 1]) {
          const own = modulations.subarray(i * m, (i + 1) * m);
          const alone = await subject.engine().evaluate(net, shape, own, where);
          expectOverlap(
            all.subarray(i * alone.length, (i + 1) * alone.length),
            alone,
            `${where.kind}, signal ${i}`,
          );
        }
      }
    });

    it('derivatives asked of 140 signals together and one by one', async () => {
      const { net, batch } = fixedCases()[6]!;
      const { shape } = batch;
      const uniform = uniformFrom(4);
      const [count, points] = subject.threaded ? [140, 67] : [3, 67];
      const modulations = randomModulations(net.spec, shape, count, 0.5, uniform);
      const positions = Float64Array.from({ length: 2 * points }, (_, i) => uniform() * shape[i % 2]!);
      const engine = subject.engine();
      const all = await engine.derivatives(net, { shape, count, modulations }, positions);
      const m = modulations.length / count;
      for (const i of [0, count - 11, count - 1].filter((signal) => signal >= 0)) {
        const own = { shape, count: 1, modulations: modulations.subarray(i * m, (i + 1) * m) };
        const alone = await engine.derivatives(net, own, positions.subarray(2 * 60));
        for (const what of ['values', 'slopes'] as const) {
          const each = all[what].length / count;
          const together = all[what].subarray(i * each + (60 * each) / points, (i + 1) * each);
          expect(sameBits(together, alone[what]), `${what} of signal ${i}`).toBe(true);
        }
      }
    });

    it('around a circle: the seam is a place like any other', async () => {
      const circles = fixedCases().filter(({ net }) => net.spec.wraps);
      expect(circles).toHaveLength(3);
      for (const c of circles) {
        const { net, batch, modulations } = c;
        const { shape } = batch;
        const one = modulations.subarray(0, modulations.length / batch.count);
        const extent = shape.at(-1)!;
        const others = shape.slice(0, -1);
        const at = (first: number, step: number, count: number) => ({
          ...{ kind: 'grid' as const, start: [...others.map(() => 0.5), first] },
          ...{ step: [...others.map(() => 1), step], count: [...others, count] },
        });
        const values = (first: number, step: number, count: number) =>
          subject.engine().evaluate(net, shape, one, at(first, step, count));
        const once = await values(0, 0.5, 2 * extent);
        for (const turns of [-1, 1, 3])
          expectOverlap(await values(turns * extent, 0.5, 2 * extent), once, `${c.name}: ${turns} turns`);
        // Twice around in one call, and the places of a list.
        const twice = await values(-extent, extent / 2, 5);
        const rows = twice.length / 5 / net.spec.outputs;
        for (let row = 0; row < rows; row++) {
          const own = (i: number) => {
            const from = (row * 5 + i) * net.spec.outputs;
            return twice.subarray(from, from + net.spec.outputs);
          };
          expectOverlap(own(2), own(0), `${c.name}: twice around`);
          expectOverlap(own(4), own(0), `${c.name}: twice around`);
        }
        const list = Float32Array.from([0, extent, -extent].flatMap((x) => [...others.map(() => 0.5), x]));
        const three = await subject.engine().evaluate(net, shape, one, { kind: 'list', coordinates: list });
        for (const i of [1, 2]) {
          const own = three.subarray(i * net.spec.outputs, (i + 1) * net.spec.outputs);
          expectOverlap(own, three.subarray(0, net.spec.outputs), `${c.name}: of a list`);
        }
      }
    });

    it('points far apart in a signal with more cells than are mapped together', async () => {
      const { net } = fixedCases()[6]!;
      const shape = [400, 300];
      const uniform = uniformFrom(6);
      const phi = randomModulations(net.spec, shape, 1, 0.5, uniform);
      const coordinates = Float32Array.from({ length: 2 * 300 }, (_, i) => uniform() * shape[i % 2]!);
      const evaluate = (points: Parameters<Engine['evaluate']>[3]) =>
        subject.engine().evaluate(net, shape, phi, points);
      const together = await evaluate({ kind: 'list', coordinates });
      const { outputs } = net.spec;
      for (const i of [0, 47, 299]) {
        const [y, x] = coordinates.subarray(2 * i, 2 * i + 2);
        const alone = await evaluate({ kind: 'grid', start: [y!, x!], step: [1, 1], count: [1, 1] });
        expectOverlap(together.subarray(i * outputs, (i + 1) * outputs), alone, `point ${i}`);
      }
    });

    it.each([4, 5, 6])('4x, a region of it, single points and a list agree (layout %i)', async (layout) => {
      const { net, batch, modulations } = fixedCases()[layout]!;
      const { shape } = batch;
      const { axes, outputs } = net.spec;
      const phi = modulations.subarray(0, modulations.length / batch.count);
      const values = (points: Parameters<Engine['evaluate']>[3]) =>
        subject.engine().evaluate(net, shape, phi, points);
      const fine = coveringGrid(
        shape,
        shape.map((n) => 4 * n),
      );
      const whole = await values(fine);
      const corner = fine.count.map((n) => Math.floor(n / 3));
      const count = fine.count.map((n) => Math.min(5, n - Math.floor(n / 3)));
      const start = fine.start.map((s, axis) => s + corner[axis]! * fine.step[axis]!);
      const region = await values({ kind: 'grid', start, step: fine.step, count });
      const points = region.length / outputs;
      const coordinates: number[] = [];
      const expected: number[] = [];
      for (let i = 0; i < points; i++) {
        let rest = i;
        let at = 0;
        let stride = 1;
        const x = new Array<number>(axes);
        for (let axis = axes - 1; axis >= 0; axis--) {
          const step = rest % count[axis]!;
          rest = Math.floor(rest / count[axis]!);
          x[axis] = start[axis]! + step * fine.step[axis]!;
          at += (corner[axis]! + step) * stride;
          stride *= fine.count[axis]!;
        }
        coordinates.push(...x);
        expected.push(...whole.subarray(at * outputs, (at + 1) * outputs));
      }
      const want = Float32Array.from(expected);
      expectOverlap(region, want, 'region');
      expectOverlap(
        await values({ kind: 'list', coordinates: Float32Array.from(coordinates) }),
        want,
        'list',
      );
      for (const i of [0, points - 1]) {
        const point = Float32Array.from(coordinates.slice(i * axes, (i + 1) * axes));
        const alone = await values({ kind: 'list', coordinates: point });
        expectOverlap(alone, want.subarray(i * outputs, (i + 1) * outputs), `point ${i}`);
      }
    });
  });
}

/** All an engine has to say on a case. */
async function everything(engine: Engine, c: Case): Promise<(Float32Array | Float64Array)[]> {
  const { net, batch, modulations, start, offset, extraGradient } = c;
  const phi = modulations.subarray(0, modulations.length / batch.count);
  const values = await engine.evaluate(net, batch.shape, phi, coveringGrid(batch.shape));
  const signals = { shape: batch.shape, count: batch.count, modulations };
  const slopes = await engine.slopes(net, signals, coveringGrid(batch.shape));
  const positions = Float64Array.from(c.scattered);
  const derivatives = await engine.derivatives(net, signals, positions);
  const { losses, gradient } = await engine.gradient(net, batch, modulations);
  const adapted = await engine.adapt(net, batch, 2, { start });
  const meta = await engine.metaGradient(net, batch, adapted, { distortionWeight: 1, offset, extraGradient });
  return [
    values,
    slopes,
    derivatives.values,
    derivatives.slopes,
    losses,
    gradient,
    adapted.trajectory,
    adapted.losses,
    meta.losses,
    meta.weights,
    meta.rates,
    meta.modulations,
  ];
}

function expectSame(
  what: string,
  got: (Float32Array | Float64Array)[],
  want: (Float32Array | Float64Array)[],
): void {
  expect(
    got.map((array, i) => sameBits(array, want[i]!)),
    what,
  ).toEqual(want.map(() => true));
}
