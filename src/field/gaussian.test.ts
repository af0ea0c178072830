import { expect, it } from 'vitest';
import { gaussianLatitudes } from './gaussian.ts';

it('latitudes of Gaussian grids are those of tables, and the same north and south', () => {
  expect(gaussianLatitudes(2)[0]).toBeCloseTo((Math.asin(1 / Math.sqrt(3)) * 180) / Math.PI, 10);
  const t42 = gaussianLatitudes(64);
  expect(t42[0]).toBeCloseTo(87.8637988, 6);
  expect(t42[31]).toBeCloseTo(1.3953069, 6);
  t42.forEach((v, i) => void expect(v).toBeCloseTo(-t42[63 - i]!, 10));
  expect(gaussianLatitudes(3)[1]).toBeCloseTo(0, 10);
});
