import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Engine, openEngine } from '../engine/index.ts';
import {
  randomBatch,
  randomFloats,
  randomModulations,
  randomNetwork,
  uniformFrom,
} from '../engine/testing.ts';
import { coveringGrid } from '../field/coordinates.ts';
import type { Encoder } from '../field/encoder.ts';
import { encoderShapes } from '../field/encoder.ts';
import { pyramid } from '../field/presets.ts';
import { type FieldSpec, modulationLength } from '../field/spec.ts';
import { predict } from './predict.ts';
import { EncoderSums } from './predict-learn.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('native', { threads: 1 });
});
afterAll(() => engine.close());

const common = { outputs: 2, width: 6, layers: 2, w0: 3, harmonics: 1 } as const;
const picture = pyramid({
  ...common,
  axes: 2,
  levels: [
    { cell: 16, channels: 2 },
    { cell: 4, channels: 3 },
  ],
});
const sound = pyramid({
  ...common,
  axes: 1,
  levels: [
    { cell: 16, channels: 2 },
    { cell: 2, channels: 1 },
  ],
});
const volume = pyramid({
  ...common,
  axes: 3,
  levels: [
    { cell: 8, channels: 2 },
    { cell: 2, channels: 1 },
  ],
});

function randomEncoder(spec: FieldSpec, seed = 1): Encoder {
  const uniform = uniformFrom(seed);
  const parts = encoderShapes(spec).map((shape) => ({
    ...shape,
    weights: randomFloats(2 * shape.inputs * shape.outputs, 0.1, uniform),
  }));
  const card = { networkId: '', model: 'random', qualities: [40, 60] as const, recipe: {}, figures: {} };
  return { card, parts };
}

test.each([
  ['a picture', picture, [32, 32]],
  ['a picture whose blocks reach beyond it', picture, [19, 41]],
  ['a single sample', picture, [1, 1]],
  ['a sound', sound, [300]],
  ['a volume', volume, [9, 12, 10]],
])(
  '%s: every engine predicts the same, and so does an engine without products of its own',
  (_, spec, shape) => {
    const encoder = randomEncoder(spec);
    const batch = randomBatch(spec, shape, 3, false, uniformFrom(2));
    const native = predict(encoder, engine, spec, batch, 53)!;
    const plain = predict(encoder, {}, spec, batch, 53)!;
    expect(native).toHaveLength(3 * modulationLength(spec, shape));
    expect(native.every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
    for (let i = 0; i < plain.length; i++) expect(native[i]).toBeCloseTo(plain[i]!, 4);
    expect(predict(encoder, engine, spec, batch, 53)).toEqual(native);
    // A signal is predicted alike in any company.
    const alone = { shape, count: 1, targets: batch.targets.subarray(0, batch.targets.length / 3) };
    expect(predict(encoder, {}, spec, alone, 53)).toEqual(plain.slice(0, plain.length / 3));
  },
);

test('maps change with quality as far as they were learnt', () => {
  const encoder = randomEncoder(picture);
  const batch = randomBatch(picture, [16, 16], 1, false, uniformFrom(2));
  const at = (quality: number) => predict(encoder, engine, picture, batch, quality)!;
  expect(at(55)).not.toEqual(at(60));
  expect(at(60)).toEqual(at(99));
  expect(at(40)).toEqual(at(1));
});

test('a signal with missing samples is not predicted', () => {
  const batch = randomBatch(picture, [16, 16], 2, true, uniformFrom(2));
  expect(predict(randomEncoder(picture), engine, picture, batch, 50)).toBeUndefined();
});

test('what a field draws is predicted back: maps that are learnt on random modulations tell those of others', async () => {
  const uniform = uniformFrom(5);
  // The finest cells are told by their samples, and a field of small modulations is linear in them.
  const spec = pyramid({ ...common, outputs: 1, w0: 1, axes: 2, levels: [{ cell: 4, channels: 2 }] });
  const net = randomNetwork(spec, 1, uniform);
  const shape = [16, 16];
  const drawn = async (count: number) => {
    const modulations = randomModulations(spec, shape, count, 0.1, uniform);
    const targets = await engine.evaluateMany(net, { shape, count, modulations }, coveringGrid(shape));
    return { seen: { shape, count, targets }, modulations };
  };
  const sums = new EncoderSums(spec);
  for (const quality of [40, 50, 60]) {
    const { seen, modulations } = await drawn(100);
    sums.add(engine, seen, modulations, quality);
  }
  const others = await drawn(10);
  const encoder = { ...randomEncoder(spec), parts: sums.solve() };
  const found = predict(encoder, engine, spec, others.seen, 50)!;
  const of = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0);
  const off = of(found.map((x, i) => x - others.modulations[i]!));
  expect(off).toBeLessThan(0.1 * of(others.modulations));
  // What a checkpoint keeps is all that there is.
  const again = new EncoderSums(spec);
  again.restore(sums.tensors());
  expect(again.solve()).toEqual(sums.solve());
});

test('fields whose cells are not whole samples have no encoder', () => {
  const odd: FieldSpec[] = [
    { ...picture, levels: [{ cell: null, channels: 1, interpolation: 'linear' }] },
    { ...picture, levels: [{ cell: [2.5, 2], channels: 1, interpolation: 'linear' }] },
    { ...picture, levels: [] },
    { ...picture, wraps: true },
  ];
  for (const spec of odd)
    expect(() => encoderShapes(spec)).toThrow(expect.objectContaining({ code: 'encoder-field' }));
});
