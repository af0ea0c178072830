import { describe, expect, it } from 'vitest';
import { logistic } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';
import { tensor } from '../src/core/tensor.ts';
import { bankShapes, makeBank, maxNotch, readBank, scaleOfNotch, shapeNames, TableBank } from './bank.ts';
import { bitsOfValue } from './cost.ts';

const tensors = makeBank();
const bank = readBank(tensors);

/** Expected bits of draws from the exact mixture of `shape` at scale s and a real mean, coded with a table of the bank. */
function crossEntropy(
  shape: number,
  s: number,
  mean: number,
  notch: number,
): { coded: number; entropy: number } {
  const table = bank.table(shape, notch, Math.round(mean * 32));
  const offset = bank.offset(notch, Math.round(mean * 32));
  let coded = 0;
  let entropy = 0;
  const reach = Math.ceil(25 * s) + 3;
  for (let k = Math.floor(mean) - reach; k <= Math.floor(mean) + reach; k++) {
    let p = 0;
    for (const part of bankShapes[shapeNames[shape]!]) {
      const t = (x: number) => (x - mean - part.mean * s) / (part.scale * s);
      const [low, high] = t(k) > 0 ? [-t(k + 0.5), -t(k - 0.5)] : [t(k - 0.5), t(k + 0.5)];
      p += part.weight * (logistic(high) - logistic(low));
    }
    if (p < 1e-12) continue;
    coded += p * bitsOfValue(table, offset, k);
    entropy -= p * Math.log2(p);
  }
  return { coded, entropy };
}

describe('the bank', () => {
  it('codes its own mixtures within 0.3 % and a thousandth of a bit, whatever the mean between integers', () => {
    for (let shape = 0; shape < bank.shapes; shape++) {
      for (let notch = 8; notch <= 100; notch += 4) {
        for (const mean of [0, 0.2, 0.5, 0.77, -3.4]) {
          // Half a notch off, as rounding may leave it.
          const { coded, entropy } = crossEntropy(shape, scaleOfNotch(notch + 0.5), mean, notch);
          expect(coded - entropy, `shape ${shape} notch ${notch} mean ${mean}`).toBeLessThan(
            0.003 * entropy + 0.004,
          );
        }
      }
    }
  });

  it('moves with the mean', () => {
    for (let notch = 0; notch <= maxNotch; notch += 5) {
      for (const mean of [-100, -1, 0, 7, 16, 31, 1000]) {
        expect(bank.table(1, notch, mean + 32)).toBe(bank.table(1, notch, mean));
        expect(bank.offset(notch, mean + 32)).toBe(bank.offset(notch, mean) + 1);
      }
    }
  });

  it('has the same mean absolute deviation in every shape', () => {
    for (const name of shapeNames) {
      let deviation = 0;
      const density = (x: number) =>
        bankShapes[name].reduce((sum, { weight, mean, scale }) => {
          const f = logistic((x - mean) / scale);
          return sum + (weight * f * (1 - f)) / scale;
        }, 0);
      for (let x = -60; x < 60; x += 0.01) deviation += Math.abs(x) * density(x) * 0.01;
      expect(deviation).toBeCloseTo(2 * Math.LN2, 2);
    }
  });

  it('is below 200 KB in a model', () => {
    const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(bytes).toBeLessThan(200_000);
  });

  it('is read once for models that have the same, and anew for others', () => {
    const copy = () =>
      new Map([...tensors].map(([name, { data, shape }]) => [name, tensor(data.slice(), shape)]));
    const first = readBank(copy());
    expect(readBank(copy())).toBe(first);
    const minima = (tensors.get('prior.bank.minima')!.data as Int16Array).slice();
    minima[0]! += 1;
    const other = readBank(copy().set('prior.bank.minima', tensor(minima)));
    expect(other.table(0, 0, 0).min).toBe(first.table(0, 0, 0).min + 1);
  });

  it('is refused when tables are missing or damaged', () => {
    expect(() => new TableBank([])).toThrow(BadInputError);
    expect(() => readBank(new Map())).toThrow(/prior.bank.sizes/);
    const damaged = (tensors.get('prior.bank.frequencies')!.data as Uint16Array).slice();
    damaged[5000]! += 1;
    const wrong = new Map(tensors).set('prior.bank.frequencies', tensor(damaged));
    expect(() => readBank(wrong)).toThrow(/sum to 65537/);
  });
});
