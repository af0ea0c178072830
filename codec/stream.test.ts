import { describe, expect, it } from 'vitest';
import type { PriorKind } from '../prior/kinds.ts';
import { Rng } from '../src/core/rng.ts';
import { modulationLayout } from '../src/field/layout.ts';
import { readModel } from '../src/field/model.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import { writeInParts, writeStream, writeTogether } from './stream.ts';

const models = tinyModels.map((tiny) => readModel(makeTinyModel(tiny)));
const kinds: readonly PriorKind[] = ['histogram', 'factorized', 'autoregressive'];

describe('a stream that is written in parts', () => {
  it.each(kinds)('is the stream that is written at once, with no symbol changed: %s', (prior) => {
    const rng = new Rng(4);
    for (const model of models)
      for (const most of [1, 7, 64, 100_000]) {
        const { shape, anySize } = model.card;
        const own = anySize ? shape.map((n) => 2 * n + 3) : shape;
        const { length } = modulationLayout(model.network.spec, own);
        const symbols = Int32Array.from({ length }, () => (rng.below(3) > 0 ? 0 : rng.below(9) - 4));
        symbols[length >> 1] = 70_000;
        const before = symbols.slice();
        const content = { prior, quality: 60, shape: own, symbols };
        const parts = writeInParts(model, content, most);
        const whole = writeTogether(model, [content]);
        expect(parts.stream).toEqual(whole.stream);
        expect(parts.bits).toBeCloseTo(whole.bits, 6);
        expect(symbols).toEqual(before);
      }
  });

  it('is the same of symbols that are held in a byte each', () => {
    const model = models[0]!;
    const { shape } = model.card;
    const { length } = modulationLayout(model.network.spec, shape);
    const rng = new Rng(9);
    const symbols = Int32Array.from({ length }, () => rng.below(255) - 127);
    for (const prior of kinds) {
      const content = { prior, quality: 50, shape, symbols };
      const narrow = { ...content, symbols: Int8Array.from(symbols) };
      expect(writeStream(model, narrow)).toEqual(writeStream(model, content));
      expect(writeInParts(model, narrow, 9).stream).toEqual(writeStream(model, content).stream);
    }
  });

  it('is how long ones are written', () => {
    const model = models.find(({ card }) => card.anySize && card.spec.axes === 1)!;
    const shape = [2 ** 22 + 4096];
    const symbols = new Int32Array(modulationLayout(model.network.spec, shape).length);
    symbols.fill(1, symbols.length - 3);
    const content = { prior: 'factorized' as const, quality: 50, shape, symbols };
    expect(symbols.length).toBeGreaterThan(1 << 20);
    expect(writeStream(model, content).stream).toEqual(writeTogether(model, [content]).stream);
  });
});
