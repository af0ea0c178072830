import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { backwardMap, forwardMap, inverseMap, type Mapped, parameters } from './spline.ts';

const rng = new Rng(3);
const maps = Array.from({ length: 50 }, () =>
  Float32Array.from({ length: parameters }, () => 1.5 * rng.normal()),
);
const map = (x: number, theta: Float32Array): Mapped => {
  const out = { value: 0, logSlope: 0 };
  forwardMap(x, theta, 0, out);
  return out;
};

describe('the map of a coupling', () => {
  test('zero parameters are the identity', () => {
    for (const x of [-9, -4.9, -1, 0, 0.3, 4.99, 7]) {
      const { value, logSlope } = map(x, new Float32Array(parameters));
      expect(value).toBeCloseTo(x, 6);
      expect(logSlope).toBeCloseTo(0, 6);
    }
  });

  test('the inverse gives back what went in, within the bound and beyond it', () => {
    for (const theta of maps) {
      const x = 4 * rng.normal();
      expect(Math.abs(inverseMap(map(x, theta).value, theta, 0) - x)).toBeLessThan(1e-6 * (1 + Math.abs(x)));
    }
  });

  test('the slope is that of finite differences', () => {
    for (const theta of maps) {
      const x = rng.normal();
      const h = 1e-6;
      const slope = (map(x + h, theta).value - map(x - h, theta).value) / (2 * h);
      expect(Math.log(slope)).toBeCloseTo(map(x, theta).logSlope, 3);
    }
  });

  test('the gradients of value and log-slope are those of finite differences', () => {
    for (const theta of maps) {
      const x = rng.normal();
      const loss = (at: number, of: Float32Array) => {
        const { value, logSlope } = map(at, of);
        return 0.7 * value - 0.4 * logSlope;
      };
      const grad = new Float32Array(parameters);
      const toX = backwardMap(x, theta, 0, 0.7, -0.4, grad);
      const h = 1e-5;
      expect(toX).toBeCloseTo((loss(x + h, theta) - loss(x - h, theta)) / (2 * h), 2);
      for (let p = 0; p < parameters; p++) {
        const [up, down] = [theta.slice(), theta.slice()];
        up[p]! += 2 ** -10;
        down[p]! -= 2 ** -10;
        const slope = (loss(x, up) - loss(x, down)) / (up[p]! - down[p]!);
        expect(Math.abs(grad[p]! - slope)).toBeLessThan(2e-3 * (1 + Math.abs(slope)));
      }
    }
  });
});
