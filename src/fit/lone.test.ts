import { describe, expect, test } from 'vitest';
import type { ModelCard } from '../field/card.ts';
import { pyramid } from '../field/presets.ts';
import { modulationLength } from '../field/spec.ts';
import { linearPrice } from '../learn/testing.ts';
import { nearestSymbols, priceLone } from './lone.ts';

const levels = [
  { cell: 8, channels: 1 },
  { cell: 2, channels: 2 },
];
const spec = pyramid({ axes: 2, outputs: 3, width: 4, layers: 1, w0: 5, levels });
const shape = [16, 12];
const length = modulationLength(spec, shape);
const first = length - 8 * 6 * 2;
const at = (row: number, column: number, channel = 0) => first + (row * 6 + column) * 2 + channel;
const symbolsWith = (...places: number[]) => {
  const symbols = new Int32Array(length);
  for (const i of places) symbols[i] = 1;
  return symbols;
};
const priced = (symbols: Int32Array, nats = 5) => priceLone(linearPrice(1), spec, shape, nats)(symbols);

test('symbols of the finest cells that stand alone cost more; those beside others, and those of larger cells, do not', () => {
  expect(priced(symbolsWith()).nats).toBe(0);
  expect(priced(symbolsWith(at(3, 3))).nats).toBe(6);
  expect(priced(symbolsWith(at(0, 0), at(7, 5))).nats).toBe(12);
  expect(priced(symbolsWith(at(3, 3), at(4, 4))).nats).toBe(2);
  expect(priced(symbolsWith(at(3, 3), at(3, 3, 1))).nats).toBe(2);
  expect(priced(symbolsWith(at(3, 5), at(4, 0))).nats).toBe(12);
  expect(priced(symbolsWith(0)).nats).toBe(1);
});

test('the price of a move from or to a lone symbol is what it changes', () => {
  const before = symbolsWith(at(1, 1), at(5, 2), at(5, 3));
  for (const [i, to, want] of [
    [at(7, 5), 1, 6],
    [at(1, 1), 0, -6],
    [at(1, 1), -1, 0],
    [at(1, 1), 2, 1],
    [at(5, 4), 1, 1],
  ] as const) {
    const from = before[i]!;
    const { nats, change } = priced(before);
    expect(change(i, from, to)).toBe(want);
    const after = before.slice();
    after[i] = to;
    expect(priced(after).nats - nats).toBe(want);
  }
});

test('nothing is added without a price, or where the finest cells are larger than dots', () => {
  expect(priced(symbolsWith(at(3, 3)), 0).nats).toBe(1);
  const coarse = pyramid({
    axes: 2,
    outputs: 1,
    width: 4,
    layers: 1,
    w0: 5,
    levels: [{ cell: 4, channels: 1 }],
  });
  const symbols = new Int32Array(modulationLength(coarse, shape));
  symbols[5] = 1;
  expect(priceLone(linearPrice(1), coarse, shape, 5)(symbols).nats).toBe(1);
});

describe('nearest symbols, where none are chosen by bits', () => {
  const byte = { name: 'v', offset: 0.5, scale: 0.5, low: 0, peak: 1, sample: 'uint8' as const };
  const card: Pick<ModelCard, 'spec' | 'outputs'> = { spec, outputs: [byte, byte, byte] };
  const steps = new Float64Array(3).fill(2);
  const near = (numbers: readonly (readonly [at: number, steps: number])[], of = card) => {
    const modulation = new Float32Array(length);
    for (const [i, value] of numbers) modulation[i] = 2 * value;
    const symbols = nearestSymbols(of, shape, modulation, steps);
    return numbers.map(([i]) => symbols[i]);
  };

  test('a weak symbol of the finest cells that stands alone is 0, to whichever side it is', () => {
    const weak = [
      [at(3, 3), 0.7],
      [at(0, 0), -0.7],
      [at(7, 5, 1), 0.74],
    ] as const;
    expect(near(weak)).toEqual([0, 0, 0]);
    expect(
      near([
        [at(3, 3), 0.8],
        [at(7, 5), -1.3],
      ]),
    ).toEqual([1, -1]);
  });

  test('one beside another stays, in its cell, across a corner and above; the edges of the picture are no neighbours', () => {
    expect(
      near([
        [at(3, 3), 0.6],
        [at(3, 3, 1), 0.6],
      ]),
    ).toEqual([1, 1]);
    expect(
      near([
        [at(3, 3), 0.6],
        [at(4, 4), 3],
      ]),
    ).toEqual([1, 3]);
    expect(
      near([
        [at(3, 5), 0.6],
        [at(4, 0), 0.6],
      ]),
    ).toEqual([0, 0]);
  });

  test('larger cells, and signals that are not for the eye, round to the nearest', () => {
    expect(near([[0, 0.6]])).toEqual([1]);
    const samples = {
      spec,
      outputs: card.outputs.map((output) => ({ ...output, sample: 'float32' as const })),
    };
    expect(near([[at(3, 3), 0.6]], samples)).toEqual([1]);
  });
});
