import { describe, expect, it } from 'vitest';
import { cos2pi, exp, exp2, log, log2, logistic, sin2pi, tanh } from './detmath.ts';
import { sha256Hex } from './hash.ts';

/** Largest error relative to the platform's own function, in units of 2^-53. */
function worst(f: (x: number) => number, g: (x: number) => number, from: number, to: number): number {
  let error = 0;
  for (let i = 0; i <= 20_000; i++) {
    const x = from + ((to - from) * i) / 20_000;
    const want = g(x);
    if (want !== 0) error = Math.max(error, Math.abs(f(x) - want) / Math.abs(want));
  }
  return error * 2 ** 53;
}

describe('deterministic mathematics', () => {
  it('agrees with the platform to 4 units of 2^-53', () => {
    expect(worst(exp, Math.exp, -708, 709)).toBeLessThan(4);
    expect(worst(exp, Math.exp, -1, 1)).toBeLessThan(4);
    expect(worst(exp2, (x) => 2 ** x, -1022, 1023)).toBeLessThan(4);
    expect(worst(log, Math.log, 1e-6, 2)).toBeLessThan(4);
    expect(worst(log, Math.log, 2, 1e300)).toBeLessThan(4);
    expect(worst(log2, Math.log2, 1e-3, 1e3)).toBeLessThan(4);
    expect(worst(tanh, Math.tanh, -20, 20)).toBeLessThan(6);
    expect(worst(logistic, (x) => 1 / (1 + Math.exp(-x)), -30, 30)).toBeLessThan(6);
  });

  it('takes the argument of sine and cosine in turns', () => {
    for (let i = -400; i <= 400; i++) {
      const x = i / 97;
      expect(sin2pi(x)).toBeCloseTo(Math.sin(2 * Math.PI * x), 13);
      expect(cos2pi(x)).toBeCloseTo(Math.cos(2 * Math.PI * x), 13);
    }
    expect([sin2pi(0.5), cos2pi(0.25), sin2pi(0.25), cos2pi(1e15)]).toEqual([-0, -0, 1, 1]);
  });

  it('is exact at powers of two', () => {
    for (let k = -1074; k <= 1023; k++) {
      expect(exp2(k)).toBe(2 ** k);
      expect(log2(2 ** k)).toBe(k);
    }
  });

  it('keeps the limits of the functions', () => {
    expect([exp(-800), exp(800), exp(Number.NaN), exp(0)]).toEqual([0, Infinity, Number.NaN, 1]);
    expect([log(0), log(-1), log(Infinity), log(1)]).toEqual([-Infinity, Number.NaN, Infinity, 0]);
    expect([logistic(-800), logistic(800), logistic(0)]).toEqual([0, 1, 0.5]);
    expect(exp(-745)).toBe(Math.exp(-745));
    expect(log(5e-324)).toBeCloseTo(Math.log(5e-324), 10);
  });

  it('gives these bits, on every machine', () => {
    const values = new Float64Array(8 * 2000);
    [exp, exp2, log, log2, logistic, tanh, sin2pi, cos2pi].forEach((f, i) => {
      for (let j = 0; j < 2000; j++) values[i * 2000 + j] = f(j * 0.0123456789 + 0.001);
    });
    expect(sha256Hex(new Uint8Array(values.buffer))).toMatchInlineSnapshot(
      `"2a080a456497e3da9230f876dd7bb788edc5c7e13dac46de23f41615d715e4a3"`,
    );
  });
});
