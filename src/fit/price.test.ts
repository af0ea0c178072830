import { describe, expect, it } from 'vitest';
import { bitsOfValue, CostMeter } from '../../prior/cost.ts';
import { Sampler } from '../../prior/draw.ts';
import { readPrior } from '../../prior/registry.ts';
import { makeTinyModel, tinyModels } from '../../test/conformance/tiny-models.ts';
import { Rng } from '../core/rng.ts';
import { modulationLayout } from '../field/layout.ts';
import { readModel } from '../field/model.ts';
import { asContext, priceWith } from './price.ts';

const model = readModel(makeTinyModel(tinyModels[0]!));
const layout = modulationLayout(model.network.spec, model.card.shape);

function totalNats(kind: 'factorized' | 'autoregressive', symbols: Int32Array): number {
  const meter = new CostMeter();
  readPrior(model, kind).walk(layout, 50, symbols.slice(), meter);
  return meter.bitCount * Math.LN2;
}

describe('the price of symbols', () => {
  for (const kind of ['factorized', 'autoregressive'] as const) {
    const prior = readPrior(model, kind);
    const symbols = new Int32Array(layout.length);
    prior.walk(layout, 50, symbols, new Sampler(new Rng(3)));
    const priced = priceWith(prior, layout, 50, symbols);

    it(`is what the ${kind} prior charges`, () => {
      expect(priced.nats).toBeCloseTo(totalNats(kind, symbols), 6);
    });

    // The last symbol has none after it, a factorized prior no contexts; a context counts for more than its own bits.
    it(`changes with a symbol as that of the ${kind} prior does`, () => {
      for (const i of kind === 'factorized' ? [0, 5, layout.length - 1] : [layout.length - 1]) {
        const from = symbols[i]!;
        for (const to of [from + 1, from - 1, 0]) {
          const moved = symbols.slice();
          moved[i] = to;
          const weight = kind === 'factorized' ? 1 : asContext;
          expect(priced.change(i, from, to)).toBeCloseTo(weight * (totalNats(kind, moved) - priced.nats), 6);
        }
      }
    });
  }

  it('is by the same tables whether they are looked up in WebAssembly or one by one, of wild symbols too', () => {
    const prior = readPrior(model, 'autoregressive');
    const rng = new Rng(5);
    const symbols = Int32Array.from({ length: layout.length }, () => Math.round(40 * rng.normal() ** 5));
    const bits: number[] = [];
    prior.walk(layout, 50, symbols.slice(), {
      code(table, offset, value) {
        bits.push(bitsOfValue(table, offset, value + 1) - bitsOfValue(table, offset, value));
        return value;
      },
    });
    const priced = priceWith(prior, layout, 50, symbols);
    symbols.forEach((symbol, i) => {
      expect(priced.change(i, symbol, symbol + 1)).toBe(asContext * Math.LN2 * bits[i]!);
    });
  });
});
