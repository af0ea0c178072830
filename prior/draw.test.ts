import { describe, expect, it } from 'vitest';
import { BadInputError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { makeBank, readBank } from './bank.ts';
import { Sampler } from './draw.ts';
import { tableOf } from './table.ts';

const table = tableOf([40000, 20000, 5000, 536], -1);

function frequencies(temperature: number, draws = 50_000): number[] {
  const sampler = new Sampler(new Rng(3), temperature);
  const counts = [0, 0, 0];
  for (let i = 0; i < draws; i++) counts[sampler.code(table, 10, 0) - 9]! += 1 / draws;
  return counts;
}

describe('drawing', () => {
  it('follows the frequencies, without the escape', () => {
    const found = frequencies(1);
    for (const [i, f] of [40000, 20000, 5000].entries()) expect(found[i]).toBeCloseTo(f / 65000, 2);
  });

  it('raises probabilities to the power of one over the temperature', () => {
    for (const temperature of [0.5, 2]) {
      const powers = [40000, 20000, 5000].map((f) => f ** (1 / temperature));
      const sum = powers.reduce((a, b) => a + b);
      const found = frequencies(temperature);
      for (const [i, power] of powers.entries()) expect(found[i]).toBeCloseTo(power / sum, 2);
    }
  });

  it('takes the likeliest at temperature 0', () => {
    expect(frequencies(0, 10)[0]).toBeCloseTo(1);
  });

  it('gives the same values for the same seed', () => {
    const bank = readBank(makeBank());
    const draw = (seed: number) => {
      const sampler = new Sampler(new Rng(seed), 0.8);
      return Array.from({ length: 200 }, (_, i) => sampler.code(bank.table(i % 4, i % 140, i), i, 0));
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });

  it('refuses a temperature that is none', () => {
    for (const temperature of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Sampler(new Rng(1), temperature)).toThrow(BadInputError);
    }
  });
});
