import { describe, expect, it } from 'vitest';
import { readAutoregressive } from '../prior/autoregressive.ts';
import { referenceNetwork } from '../prior/cell-network.ts';
import { CostMeter } from '../prior/cost.ts';
import { maxSymbol, type SymbolCoder } from '../prior/prior.ts';
import { AbortedError, type FunctaError } from '../src/core/errors.ts';
import { stoppable } from '../src/core/look.ts';
import { Rng } from '../src/core/rng.ts';
import { modulationLayout } from '../src/field/layout.ts';
import { readModel } from '../src/field/model.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import { RansDecoder, RansEncoder } from './rans.ts';

const tiny = tinyModels.map((model) => {
  const { card, tensors } = readModel(makeTinyModel(model));
  const open = (kernel: boolean) =>
    readAutoregressive(tensors, card.spec, { make: referenceNetwork, kernel });
  const shapes = card.anySize ? [card.shape, card.shape.map((n) => 3 * n + 5)] : [card.shape];
  const layouts = shapes.map((shape) => modulationLayout(card.spec, shape));
  return { name: card.name, kernel: open(true), reference: open(false), layouts };
});

/** Few or many symbols that are not 0, of a size between 1 and `size`; some far out of any table. */
function drawn(rng: Rng, length: number, size: number): Int32Array {
  const busy = rng.uniform() ** 2;
  return Int32Array.from({ length }, () => {
    if (rng.uniform() > busy) return 0;
    const far = rng.below(50) === 0 ? maxSymbol : size;
    return rng.below(2 * far + 1) - far;
  });
}

describe('the walk in WebAssembly', () => {
  for (const { name, kernel, reference, layouts } of tiny) {
    it(`writes, prices and reads as the walk in TypeScript does: ${name}`, () => {
      const rng = new Rng(5);
      for (let trial = 0; trial < 120; trial++) {
        const layout = layouts[trial % layouts.length]!;
        const symbols = drawn(rng, layout.length, [1, 4, 60, 5000][rng.below(4)]!);
        const quality = 1 + rng.below(100);
        const written = [kernel, reference].map((prior) => {
          const [encoder, meter] = [new RansEncoder(), new CostMeter()];
          // Twice, and after each other: a walk begins where the one before left off.
          for (let turn = 0; turn < 2; turn++) prior.walk(layout, quality, symbols.slice(), encoder);
          prior.walk(layout, quality, symbols.slice(), meter);
          return { stream: encoder.finish(trial), bits: encoder.bitCount, cost: meter.bitCount };
        });
        expect(written[0]).toEqual(written[1]);
        const decoder = new RansDecoder(written[0]!.stream);
        for (let turn = 0; turn < 2; turn++) {
          const found = new Int32Array(layout.length).fill(7);
          kernel.walk(layout, quality, found, decoder);
          expect(found).toEqual(symbols);
        }
        expect(decoder.end()).toBe(trial);
      }
    });

    it(`finds the same in any bytes, or the same fault: ${name}`, () => {
      const rng = new Rng(6);
      for (let trial = 0; trial < 200; trial++) {
        const layout = layouts[trial % layouts.length]!;
        const bytes = Uint8Array.from({ length: rng.below(2 * layout.length + 2) }, () => 1 + rng.below(255));
        // As long as escapes go on.
        if (trial % 3 === 0) bytes.fill(255, Math.min(1, bytes.length));
        const quality = 1 + rng.below(100);
        const [own, other] = [kernel, reference].map((prior) => {
          const symbols = new Int32Array(layout.length);
          const decoder = new RansDecoder(bytes, 3);
          try {
            prior.walk(layout, quality, symbols, decoder);
            return { symbols, place: decoder.place };
          } catch (error) {
            const { code, message } = error as FunctaError;
            return { code, message };
          }
        });
        expect(own).toEqual(other);
      }
    });
  }

  it('goes on where a call left off, and stops between two', () => {
    const { kernel, reference } = tiny[0]!;
    const { card } = readModel(makeTinyModel(tinyModels[0]!));
    const layout = modulationLayout(card.spec, [500, 700]);
    const symbols = drawn(new Rng(8), layout.length, 3);
    const streams = [kernel, reference].map((prior) => {
      const encoder = new RansEncoder();
      prior.walk(layout, 50, symbols.slice(), encoder);
      return encoder.finish(1);
    });
    expect(Buffer.compare(streams[0]!, streams[1]!)).toBe(0);
    const found = new Int32Array(layout.length);
    kernel.walk(layout, 50, found, new RansDecoder(streams[0]!));
    expect(found).toEqual(symbols);
    const decoder = new RansDecoder(streams[0]!);
    const before = decoder.place;
    const walk = () => kernel.walk(layout, 50, found, decoder);
    expect(() => stoppable(AbortSignal.abort(), walk)).toThrow(AbortedError);
    expect(decoder.place).toEqual(before);
  });

  it('reads layouts that it is too small to write', () => {
    const { kernel, reference } = tiny[0]!;
    const { card } = readModel(makeTinyModel(tinyModels[0]!));
    const layout = modulationLayout(card.spec, [2400, 2600]);
    const { length } = layout;
    expect(length).toBeGreaterThan(1 << 20);
    expect(length).toBeLessThan(1 << 21);
    const symbols = new Int32Array(length);
    for (let i = 0; i < length; i += 1009) symbols[i] = (i % 7) - 3;
    const encoder = new RansEncoder();
    kernel.walk(layout, 50, symbols.slice(), encoder);
    const stream = encoder.finish(1);
    for (const prior of [kernel, reference]) {
      const found = new Int32Array(length);
      prior.walk(layout, 50, found, new RansDecoder(stream));
      expect(found.every((symbol, i) => symbol === symbols[i])).toBe(true);
    }
  });

  it('leaves symbols out of range, and coders that it cannot serve, to the walk in TypeScript', () => {
    const { kernel, reference, layouts } = tiny[0]!;
    const layout = layouts[0]!;
    const beyond = new Int32Array(layout.length);
    beyond[5] = maxSymbol + 1;
    for (const prior of [kernel, reference]) {
      expect(() => prior.walk(layout, 50, beyond.slice(), new RansEncoder())).toThrow(/is beyond/);
    }
    let seen = 0;
    const counting: SymbolCoder = {
      code: (_table, _offset, value) => {
        seen++;
        return value;
      },
    };
    kernel.walk(layout, 50, new Int32Array(layout.length), counting);
    expect(seen).toBe(layout.length);
  });
});
