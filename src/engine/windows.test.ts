import { expect, test } from 'vitest';
import { AbortedError } from '../core/errors.ts';
import type { FieldSpec, GridLevel } from '../field/spec.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import type { Batch } from './engine.ts';
import { openNative } from './native/native.ts';
import { openReference } from './reference/reference.ts';
import { randomBatch, randomModulations, randomNetwork, uniformFrom } from './testing.ts';
import { gradientInWindows, windowsOf } from './windows.ts';

const reference = await openReference();
const native = await openNative({ threads: 2 });

const level = (
  cell: number[] | null,
  interpolation: GridLevel['interpolation'],
  channels = 2,
): GridLevel => ({
  cell,
  interpolation,
  channels,
});

function spec(axes: number, levels: GridLevel[], period?: number[]): FieldSpec {
  const features = { global: false, local: true, harmonics: 2, ...(period && { period }) };
  return { axes, outputs: 2, width: 8, layers: 2, w0: 10, features, levels };
}

const square = (n: number) => [n, n];
const cubic = spec(
  2,
  [
    level(square(8), 'cubic'),
    level(square(4), 'linear'),
    level(square(2), 'nearest'),
    level(null, 'nearest'),
  ],
  [4, 4],
);
const linear = spec(2, [level(square(8), 'linear'), level(square(2), 'linear', 3)]);

const cases: [string, FieldSpec, number[], number][] = [
  ['cubic cells, nearest ones, and one for the whole signal', cubic, [90, 77], 1600],
  ['a last window of a single row and column', linear, [81, 81], 24 * 24],
  ['a narrow strip', linear, [3, 300], 200],
  ['cells that are not square', spec(2, [level([6, 4], 'linear'), level([3, 5], 'cubic')]), [70, 100], 1200],
  ['one axis', spec(1, [level([8], 'cubic'), level([2], 'linear')]), [501], 60],
  ['three axes', spec(3, [level([4, 4, 4], 'linear'), level([2, 2, 2], 'linear')]), [17, 20, 23], 1500],
];

for (const [name, field, shape, most] of cases) {
  test(`windows give the gradient of the whole signal: ${name}`, async () => {
    const uniform = uniformFrom(7);
    const net = randomNetwork(field, 0.1, uniform);
    const modulation = randomModulations(field, shape, 1, 0.3, uniform);
    const windows = windowsOf(field, shape, most)!;
    expect(windows.length).toBeGreaterThan(1);
    for (const window of windows) {
      expect(pointCount(window.map(({ start, end }) => end - start))).toBeLessThanOrEqual(
        Math.max(most, ...(shape.length > 1 ? [44 * 44] : [])),
      );
    }
    for (const masked of [false, true]) {
      const batch = randomBatch(field, shape, 1, masked, uniform);
      for (const engine of [reference, native]) {
        const whole = await engine.gradient(net, batch, modulation);
        const gradient = new Float32Array(modulation.length).fill(Number.NaN);
        const loss = await gradientInWindows(windows, field, batch, modulation, gradient, gradientOf(engine));
        expect(loss / whole.losses[0]!).toBeCloseTo(1, 6);
        expect(distance(gradient, whole.gradient)).toBeLessThan(2e-6);
      }
    }

    function gradientOf(engine: typeof reference) {
      return async (part: Batch, phi: Float32Array, out: Float32Array) => {
        const { losses, gradient } = await engine.gradient(net, part, phi);
        out.set(gradient);
        return losses[0]!;
      };
    }
  });
}

test("every point is a window's own, once", () => {
  for (const [, field, shape, most] of cases) {
    let owned = 0;
    for (const window of windowsOf(field, shape, most)!)
      owned += pointCount(window.map(({ from, to }) => to - from));
    expect(owned).toBe(pointCount(shape));
  }
});

test('a signal without windows is worked on whole', () => {
  expect(windowsOf(linear, [20, 20], 400)).toBeUndefined();
  expect(
    windowsOf({ ...linear, features: { ...linear.features, global: true } }, [99, 99], 400),
  ).toBeUndefined();
  expect(windowsOf(spec(2, [level(null, 'nearest')]), [99, 99], 400)).toBeUndefined();
  expect(windowsOf(spec(2, [level([2.5, 2], 'linear')]), [99, 99], 400)).toBeUndefined();
  // Cells as long as the axis.
  expect(windowsOf(spec(2, [level([64, 64], 'linear')]), [99, 99], 400)).toBeUndefined();
});

test('a large signal is adapted as the sum of its windows, and stops when told', async () => {
  const field: FieldSpec = { ...spec(1, [level([8], 'linear'), level([4], 'linear')]), width: 4, layers: 1 };
  const uniform = uniformFrom(3);
  const net = randomNetwork(field, 0.02, uniform, 2);
  const shape = [2 ** 19 + 5];
  const batch = randomBatch(field, shape, 1, false, uniform);
  const m = modulationLength(field, shape);
  const { trajectory, losses } = await native.adapt(net, batch, 3);
  expect(losses[2]!).toBeLessThan(losses[0]!);
  const at = trajectory.subarray(2 * m, 3 * m);
  const { losses: again, gradient } = await native.gradient(net, batch, at);
  expect(again[0]!).toBe(losses[2]!);
  // Cells of the first level take turns with two rates, of the last row.
  const rates = net.rates.subarray(4);
  for (const i of [0, 1, 30_001, 131_073]) {
    expect(trajectory[3 * m + i]!).toBeCloseTo(at[i]! - rates[i % 2]! * gradient[i]!, 6);
  }
  const slow = await native.adapt(net, { ...batch, shape: [64], targets: batch.targets.slice(0, 128) }, 3);
  // What is farther from the cut than three steps reach is as it would be alone.
  for (let i = 0; i < 6; i++) expect(trajectory[3 * m + i]!).toBeCloseTo(slow.trajectory[3 * 24 * 2 + i]!, 4);
  const controller = new AbortController();
  const stopped = native.adapt(net, batch, 1000, { signal: controller.signal });
  controller.abort();
  await expect(stopped).rejects.toBeInstanceOf(AbortedError);
});

/** In the 2-norm, relative. */
function distance(a: Float32Array, b: Float32Array): number {
  const norm = (of: (i: number) => number) => Math.hypot(...Array.from(b, (_, i) => of(i)));
  return norm((i) => a[i]! - b[i]!) / norm((i) => b[i]!);
}
