import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dequantisePacked, packSymbols } from '../../prior/packed.ts';
import { maxSymbol } from '../../prior/prior.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { layoutOfGrids } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { rememberedSymbols } from './decoded.ts';

const anySymbols = fc
  .array(
    fc.oneof(
      fc.constant(0),
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -maxSymbol, max: maxSymbol }),
    ),
  )
  .map((symbols) => Int32Array.from(symbols));

test('packed symbols and their steps are the modulation that dequantising gives', () => {
  fc.assert(
    fc.property(anySymbols, fc.double({ min: 1e-6, max: 10, noNaN: true }), (symbols, step) => {
      const steps = Float64Array.from(symbols, (_, i) => step / (1 + (i % 3)));
      const wanted = Float32Array.from(symbols, (symbol, i) => symbol * steps[i]!);
      expect(dequantisePacked(packSymbols(symbols), steps)).toEqual(wanted);
    }),
  );
});

test('symbols come back from the modulation of any quality', () => {
  const layout = layoutOfGrids([{ cells: [5], channels: 1, cell: null }]);
  const symbols = Int32Array.of(maxSymbol, -maxSymbol, 1, 0, maxSymbol - 1);
  for (let quality = 1; quality <= 100; quality++) {
    const steps = stepsAt(Float32Array.of(0.1), quality);
    expect(quantise(layout, dequantise(layout, symbols, steps), steps)).toEqual(symbols);
  }
});

const model = (name: string) => ({ card: { name } }) as Model;
const found = (symbols: Int32Array) => ({ symbols, shape: [4], quality: 50, prior: 'histogram' as const });

test('a file is decoded once for a model', () => {
  const one = model('one');
  const bytes = Uint8Array.of(1, 2, 3);
  let decoded = 0;
  const decode = () => {
    decoded++;
    return found(Int32Array.of(0, -2, 0, 5));
  };
  for (let turn = 0; turn < 3; turn++) {
    const given = rememberedSymbols(one, bytes.slice(), decode);
    const { symbols, ...rest } = found(Int32Array.of(0, -2, 0, 5));
    expect(given).toEqual({ ...rest, length: 4, packed: packSymbols(symbols) });
  }
  expect(decoded).toBe(1);
  rememberedSymbols(model('two'), bytes, decode);
  rememberedSymbols(one, Uint8Array.of(1, 2, 4), decode);
  expect(decoded).toBe(3);
});

test('samples and faults are not kept', () => {
  const one = model('one');
  let turns = 0;
  const samples = () => ({ prior: 'samples' as const, samples: new Uint8Array(4), turn: turns++ });
  expect(rememberedSymbols(one, Uint8Array.of(7), samples)).toMatchObject({ turn: 0 });
  expect(rememberedSymbols(one, Uint8Array.of(7), samples)).toMatchObject({ turn: 1 });
  const fails = () => {
    throw new Error('damaged');
  };
  expect(() => rememberedSymbols(one, Uint8Array.of(8), fails)).toThrow('damaged');
  expect(() => rememberedSymbols(one, Uint8Array.of(8), fails)).toThrow('damaged');
});

test('memory is bounded: what was asked for longest ago is decoded again', () => {
  const one = model('one');
  let decoded = 0;
  const wide = Int32Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? 1000 : -1000));
  const ask = (i: number) =>
    rememberedSymbols(one, Uint8Array.of(i), () => {
      decoded++;
      return found(wide);
    });
  for (let i = 0; i < 200; i++) ask(i);
  expect(decoded).toBe(200);
  ask(199);
  expect(decoded).toBe(200);
  ask(0);
  expect(decoded).toBe(201);
});
