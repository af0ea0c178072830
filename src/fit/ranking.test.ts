import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { tinyCard } from '../field/testing.ts';
import { leastRanked, rankedQualities } from './ranking.ts';
import { type Cost, tradeAt } from './trade.ts';

const points = 1024;
const efforts = [1, 2, 3, 4, 5];
const training = {
  dataset: '',
  split: '',
  steps: 0,
  batch: 1,
  seed: 0,
  lambda: 0.007,
  innerSteps: 3,
  peak: 1,
};

/** Costs of a signal at all steps and efforts: rising bytes and falling errors at the mean, each off by far more than neighbours differ. */
function tables(seed: number, spread: number) {
  const rng = new Rng(seed);
  const off = () => Math.exp(spread * (rng.uniform() - 0.5));
  const grid = rankedQualities([1, 85]);
  const costs = new Map<string, Cost>();
  for (const steps of grid) {
    // Steps that are finer take at least half of the bytes, which is what the search takes for granted.
    const bytes = Math.round(12 + 3 * 1.05 ** steps * Math.min(1.4, Math.max(0.7, off())));
    const mse = 0.05 * 0.93 ** steps * off() ** 2 * Number(rng.uniform() > 0.05);
    costs.set(`1 ${steps}`, { bytes, mse });
    for (const effort of [2, 3, 4, 5])
      costs.set(`${effort} ${steps}`, {
        bytes: Math.round(bytes * (0.5 + 0.6 * rng.uniform())),
        mse: mse * off(),
      });
  }
  let measured = 0;
  const at = async (effort: number, steps: number) => {
    const cost = costs.get(`${effort} ${steps}`)!;
    return {
      within: async (most: number) => (cost.bytes <= most ? cost.bytes : undefined),
      mse: async () => cost.mse,
      measure: async () => {
        measured++;
        return cost;
      },
    };
  };
  const source = {
    plain: (steps: number) => at(1, steps),
    async *rising(steps: number, effort: number) {
      for (let own = 2; own <= effort; own++) yield at(own, steps);
    },
  };
  return {
    measured: () => measured,
    choose: (quality: number, effort: number) =>
      leastRanked(source, {
        ...{ grid, effort, steps: Math.min(85, quality) },
        trade: tradeAt({ training, outputs: tinyCard.outputs }, points, quality),
      }),
  };
}

const isWorse = (a: Cost, than: Cost) => a.bytes > than.bytes && a.mse > than.mse;

describe('small files', () => {
  it('are in order by quality and by effort, whatever their candidates cost', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const { choose } = tables(seed, 0.2 + (seed % 4) * 0.5);
      const before: Cost[] = [];
      for (let quality = 1; quality <= 100; quality++) {
        const lower: Cost[] = [];
        for (const effort of efforts) {
          const cost = await choose(quality, effort);
          const where = `seed ${seed}, quality ${quality}, effort ${effort}`;
          if (quality > 1) expect(isWorse(before[effort]!, cost), where).toBe(false);
          for (const other of lower) expect(isWorse(cost, other), where).toBe(false);
          lower.push(cost);
          before[effort] = cost;
        }
      }
    }
  });

  it('are measured at a few of all steps', async () => {
    const { choose, measured } = tables(1, 0.2);
    await choose(50, 1);
    expect(measured()).toBeLessThanOrEqual(7);
  });

  it('have steps up to the last that is useful', () => {
    expect(rankedQualities([24, 85])).toEqual([25, 31, 37, 43, 49, 55, 61, 67, 73, 79, 85]);
    expect(rankedQualities([85, 85])).toEqual([85]);
  });
});
