import { describe, expect, it } from 'vitest';
import { BadInputError, NotFoundError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { type Tensor, tensor } from '../src/core/tensor.ts';
import { modulationLayout } from '../src/field/layout.ts';
import type { FieldSpec } from '../src/field/spec.ts';
import { makeBank, readBank } from './bank.ts';
import { bitsOfChannels, CostMeter } from './cost.ts';
import { nearestAnchor, SymbolCounts } from './counts.ts';
import { fitFactorized, readFactorized } from './factorized.ts';
import { fitHistogram, readHistogram } from './histogram.ts';
import { type EntropyPrior, maxSymbol } from './prior.ts';
import { priorKinds, readPrior } from './registry.ts';

const spec: FieldSpec = {
  axes: 2,
  outputs: 1,
  width: 4,
  layers: 1,
  w0: 10,
  features: { global: false, local: false, harmonics: 1 },
  levels: [
    { cell: [8, 8], channels: 2, interpolation: 'linear' },
    { cell: [4, 4], channels: 3, interpolation: 'linear' },
  ],
};
const layout = modulationLayout(spec, [32, 32]);
const bank = makeBank();
/** Spread and centre of each channel at quality 50. */
const spreads = [0.2, 8, 1, 0.5, 3];
const centres = [0, 2.5, 0, 0.4, -1];

function draw(rng: Rng, quality: number): Int32Array {
  const scale = 2 ** ((quality - 50) / 10);
  const symbols = new Int32Array(layout.length);
  let at = 0;
  for (const [cells, first, channels] of [
    [16, 0, 2],
    [64, 2, 3],
  ] as const) {
    for (let cell = 0; cell < cells; cell++) {
      for (let c = first; c < first + channels; c++)
        symbols[at++] = Math.round(scale * (centres[c]! + spreads[c]! * rng.normal()));
    }
  }
  return symbols;
}

function counted(qualities: readonly number[], signals = 60): SymbolCounts {
  const rng = new Rng(1);
  const counts = new SymbolCounts(5);
  for (const quality of qualities)
    for (let i = 0; i < signals; i++) counts.add(layout, quality, draw(rng, quality));
  return counts;
}

function bitsPerSymbol(prior: EntropyPrior, quality: number): number {
  const rng = new Rng(2);
  const meter = new CostMeter();
  for (let i = 0; i < 30; i++) prior.walk(layout, quality, draw(rng, quality), meter);
  return meter.bitCount / (30 * layout.length);
}

const counts = counted([40, 50, 60]);
const tensors = new Map<string, Tensor>([
  ...bank,
  ...fitHistogram(counts),
  ...fitFactorized(counts, readBank(bank)),
]);
const histogram = readHistogram(tensors);
const factorized = readFactorized(tensors, spec);

describe('the priors that are counted', () => {
  it('cost what the distributions they were counted from have in entropy', () => {
    // Entropy of a rounded normal variable, channel by channel and of the pooled mixture, by numbers.
    const normal = (x: number) => Math.exp((-x * x) / 2);
    const masses = spreads.map((spread, c) => {
      const raw = Array.from({ length: 401 }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < 50; j++) sum += normal((i - 200 - 0.5 + (j + 0.5) / 50 - centres[c]!) / spread);
        return sum;
      });
      const total = raw.reduce((a, b) => a + b);
      return raw.map((m) => m / total);
    });
    const entropy = (p: number[]) => p.reduce((bits, m) => (m > 0 ? bits - m * Math.log2(m) : bits), 0);
    const shares = [16, 16, 64, 64, 64].map((n) => n / layout.length);
    const separate = masses.reduce((sum, p, c) => sum + shares[c]! * entropy(p), 0);
    const pooled = entropy(
      masses[0]!.map((_, i) => masses.reduce((sum, p, c) => sum + shares[c]! * p[i]!, 0)),
    );
    expect(Math.abs(bitsPerSymbol(histogram, 50) / pooled - 1)).toBeLessThan(0.02);
    expect(Math.abs(bitsPerSymbol(factorized, 50) / separate - 1)).toBeLessThan(0.02);
  });

  it('follow the quality: factorized loses under 1 % between its anchors, under 10 % well beyond', () => {
    for (const [quality, most] of [
      [45, 1.01],
      [53, 1.01],
      [66, 1.1],
      [30, 1.1],
    ] as const) {
      const there = fitFactorized(counted([quality]), readBank(bank));
      const fitted = readFactorized(new Map([...bank, ...there]), spec);
      expect(bitsPerSymbol(factorized, quality) / bitsPerSymbol(fitted, quality)).toBeLessThan(most);
    }
  });

  it('carry values that training never saw', () => {
    const symbols = draw(new Rng(3), 50);
    symbols[0] = maxSymbol;
    symbols[5] = -maxSymbol;
    for (const prior of [histogram, factorized]) {
      const meter = new CostMeter();
      const walked = symbols.slice();
      prior.walk(layout, 50, walked, meter);
      expect(walked).toEqual(symbols);
      expect(meter.bitCount).toBeLessThan(layout.length * 4 + 150);
    }
  });

  it('find the nearest anchor, the lower of two', () => {
    expect([1, 44, 45, 46, 54, 55, 56, 100].map((q) => nearestAnchor([40, 50, 60], q))).toEqual([
      0, 0, 0, 1, 1, 1, 2, 2,
    ]);
  });

  it('put rare ends of a very wide histogram into the escape', () => {
    const wide = new SymbolCounts(1);
    const one = modulationLayout(
      { ...spec, levels: [{ cell: null, channels: 1, interpolation: 'linear' }] },
      [1, 1],
    );
    for (let i = 0; i < 1000; i++) wide.add(one, 50, Int32Array.of(i % 7));
    for (const far of [-maxSymbol, 100_000, 30_000, -20_000]) wide.add(one, 50, Int32Array.of(far));
    const prior = readHistogram(fitHistogram(wide));
    const meter = new CostMeter();
    prior.walk(one, 50, Int32Array.of(3), meter);
    expect(meter.bitCount).toBeLessThan(3);
    const symbols = Int32Array.of(30_000);
    prior.walk(one, 50, symbols, meter);
    expect(symbols[0]).toBe(30_000);
  });

  it('are found in a model, best first, and read once', () => {
    const model = { network: { spec }, tensors };
    expect(priorKinds(model)).toEqual(['factorized', 'histogram']);
    expect(readPrior(model).kind).toBe('factorized');
    expect(readPrior(model, 'histogram')).toBe(readPrior(model, 'histogram'));
    expect(() => readPrior(model, 'autoregressive')).toThrow(NotFoundError);
    expect(() => readPrior({ network: { spec }, tensors: new Map() })).toThrow(
      /has no prior \(it has: none\)/,
    );
  });

  it('are refused when damaged, and for other layouts and qualities', () => {
    const other = modulationLayout({ ...spec, levels: spec.levels.slice(1) }, [32, 32]);
    expect(() => factorized.walk(other, 50, new Int32Array(other.length), new CostMeter())).toThrow(
      /for 5 channels, not 3/,
    );
    expect(() => histogram.walk(layout, 0, new Int32Array(layout.length), new CostMeter())).toThrow(
      BadInputError,
    );
    expect(() => counts.add(layout, 50, new Int32Array(3))).toThrow(BadInputError);
    expect(() => fitHistogram(new SymbolCounts(5))).toThrow(/no training symbols/);
    expect(() => fitFactorized(new SymbolCounts(5), readBank(bank))).toThrow(/no training symbols/);
    const damaged = (name: string, data: Tensor['data']) => new Map(tensors).set(name, tensor(data));
    expect(() => readHistogram(damaged('prior.histogram.qualities', Uint8Array.of(50, 40, 60)))).toThrow(
      /ascend/,
    );
    expect(() =>
      readFactorized(damaged('prior.factorized.shapes', new Uint8Array(15).fill(9)), spec),
    ).toThrow(/no table/);
    expect(() => readFactorized(damaged('prior.factorized.notches', new Uint8Array(14)), spec)).toThrow(
      /14 elements/,
    );
  });
});

it.each(['histogram', 'factorized'] as const)('a %s prior says what symbols cost without a walk', (kind) => {
  const prior = kind === 'histogram' ? histogram : factorized;
  const rng = new Rng(3);
  for (const quality of [12, 40, 47, 60, 90]) {
    const symbols = draw(rng, quality);
    symbols.set([0, 5000, -70_000, maxSymbol], layout.length - 4);
    const meter = new CostMeter();
    prior.walk(layout, quality, symbols, meter);
    const tables = prior.tablesOf(layout, quality);
    expect(bitsOfChannels(layout, tables, symbols)).toBeCloseTo(meter.bitCount, 6);
    const narrow = Int8Array.from(symbols, (v) => v % 100);
    expect(bitsOfChannels(layout, tables, narrow)).toBeGreaterThan(0);
  }
});
