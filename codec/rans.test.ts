import { describe, expect, it } from 'vitest';
import { makeBank, readBank } from '../prior/bank.ts';
import { CostMeter } from '../prior/cost.ts';
import { Sampler } from '../prior/draw.ts';
import { maxSymbol, type Table } from '../prior/prior.ts';
import { tableFromCounts, tableOf } from '../prior/table.ts';
import { Rng } from '../src/core/rng.ts';
import { checkOf } from './check.ts';
import { RansDecoder, RansEncoder } from './rans.ts';

interface Step {
  readonly table: Table;
  readonly offset: number;
  readonly value: number;
}

function encode(steps: readonly Step[]): Uint8Array {
  const encoder = new RansEncoder();
  for (const { table, offset, value } of steps) encoder.code(table, offset, value);
  return encoder.finish(check(steps.map((step) => step.value)));
}

function decode(bytes: Uint8Array, steps: readonly Step[]): number[] {
  const decoder = new RansDecoder(bytes);
  const values = steps.map(({ table, offset }) => decoder.code(table, offset, 0));
  if (decoder.end() !== check(values)) throw new Error('the check differs');
  return values;
}

const check = (values: readonly number[]) => checkOf(new Uint8Array(0), Int32Array.from(values));

const bank = readBank(makeBank());

/** Steps of random scales and means; values follow their tables, with outliers in between. */
function randomSteps(rng: Rng, count: number, highestNotch: number): Step[] {
  const sampler = new Sampler(rng);
  return Array.from({ length: count }, () => {
    const notch = rng.below(highestNotch + 1);
    const mean = rng.below(2000) - 1000;
    const table = bank.table(rng.below(bank.shapes), notch, mean);
    const offset = bank.offset(notch, mean);
    const outlier = rng.below(200) === 0;
    const value = outlier ? rng.below(2 * maxSymbol + 1) - maxSymbol : sampler.code(table, offset, 0);
    return { table, offset, value };
  });
}

describe('rANS from a check', () => {
  it('gives back what went in, at every length and scale, with outliers', () => {
    const rng = new Rng(1);
    for (let length = 0; length < 60; length++) {
      for (const highest of [3, 40, 143]) {
        const steps = randomSteps(rng, length, highest);
        expect(decode(encode(steps), steps)).toEqual(steps.map((step) => step.value));
      }
    }
    const steps = randomSteps(rng, 20_000, 143);
    expect(decode(encode(steps), steps)).toEqual(steps.map((step) => step.value));
  });

  it('is as long as the entropy of the tables says, within 0.1 % and 4 bytes', () => {
    const rng = new Rng(2);
    for (const highest of [0, 8, 30, 60]) {
      for (const count of [1, 10, 100, 50_000]) {
        const steps = randomSteps(rng, count, highest);
        const meter = new CostMeter();
        for (const { table, offset, value } of steps) meter.code(table, offset, value);
        const entropyBytes = meter.bitCount / 8;
        expect(encode(steps).length).toBeLessThan(entropyBytes * 1.001 + 4);
        expect(encode(steps).length).toBeGreaterThan(entropyBytes * 0.999);
      }
    }
  });

  it('counts the bits that a cost meter counts', () => {
    const steps = randomSteps(new Rng(6), 5000, 143);
    const meter = new CostMeter();
    const encoder = new RansEncoder();
    for (const { table, offset, value } of steps) {
      meter.code(table, offset, value);
      encoder.code(table, offset, value);
    }
    expect(encoder.bitCount).toBeCloseTo(meter.bitCount, 6);
  });

  it('takes 2.5 bytes more than the entropy on average, of which the check is two', () => {
    const rng = new Rng(3);
    let extra = 0;
    for (let trial = 0; trial < 400; trial++) {
      const steps = randomSteps(rng, 30, 24).filter((step) => Math.abs(step.value) < 100);
      const meter = new CostMeter();
      for (const { table, offset, value } of steps) meter.code(table, offset, value);
      extra += encode(steps).length - meter.bitCount / 8;
    }
    expect(extra / 400).toBeLessThan(2.5);
  });

  it('writes nothing but the check for what has to be', () => {
    const table = tableOf([65535, 1], 7);
    const steps = Array.from({ length: 1000 }, () => ({ table, offset: 0, value: 7 }));
    expect(encode(steps).length).toBeLessThanOrEqual(2);
    expect(decode(encode(steps), steps)[999]).toBe(7);
  });

  it('has one stream for symbols and check: what decodes encodes to the same bytes', () => {
    const rng = new Rng(4);
    const table = tableFromCounts([3, 1, 20, 8, 1], -2);
    let whole = 0;
    for (let trial = 0; trial < 2_000; trial++) {
      const bytes = Uint8Array.from({ length: rng.below(6) }, () => rng.u32());
      let encoder: RansEncoder;
      let end: number;
      try {
        const decoder = new RansDecoder(bytes);
        encoder = new RansEncoder();
        for (let i = 0; i < 4; i++) encoder.code(table, 0, decoder.code(table, 0, 0));
        end = decoder.end();
      } catch {
        continue;
      }
      whole++;
      expect(encoder.finish(end)).toEqual(bytes);
    }
    expect(whole).toBeGreaterThan(500);
  });

  it('finds a cut, an added byte and every flipped bit', () => {
    const rng = new Rng(5);
    const steps = randomSteps(rng, 200, 40);
    const bytes = encode(steps);
    expect(() => decode(bytes.subarray(0, bytes.length - 1), steps)).toThrow();
    expect(() => decode(Uint8Array.of(...bytes, 0), steps)).toThrow();
    expect(() => decode(Uint8Array.of(0, ...bytes), steps)).toThrow(/zero byte/);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decode(damaged, steps)).toThrow();
    }
  });
});
