import { afterAll, expect, test } from 'vitest';
import { makeTinyModel, tinyModels } from '../../test/conformance/tiny-models.ts';
import { defaultLimits } from '../core/limits.ts';
import { openReference } from '../engine/reference/reference.ts';
import { modulationLayout } from '../field/layout.ts';
import { readModel } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import type { Fitted } from '../fit/fit.ts';
import { Candidates } from './candidates.ts';
import { SignalEncoder } from './encoder.ts';
import { inlineWork } from './inline-work.ts';
import type { SessionWork } from './work.ts';

const engine = await openReference();
afterAll(() => engine.close());

test('symbols that a fit in windows holds stand for the steps that they were found at, and for no others', async () => {
  const model = readModel(makeTinyModel(tinyModels[0]!));
  const { shape, spec } = model.card;
  const values = new Float32Array(pointCount(shape) * spec.outputs).fill(0.25);
  const signal = { id: 'grey', shape, channels: spec.outputs, values };
  const context = { model, engine, work: inlineWork, limits: defaultLimits };
  const candidates = new Candidates(context, signal, undefined, undefined);
  const { length } = modulationLayout(spec, shape);
  const held = new Int8Array(length).fill(1);
  const fitted: Fitted = {
    ...{ modulation: new Float32Array(length), plain: new Float32Array(length), efforts: [2] },
    symbols: Int32Array.from(held),
    symbolsOf: () => Int32Array.from(held),
    heldSymbols: () => held,
  };
  candidates.take(60, 2, fitted);
  expect((await (await candidates.plain(60)).measure()).symbols()).toEqual(Int32Array.from(held));
  const other = await (await candidates.plain(70)).measure();
  expect(other.symbols()).not.toEqual(Int32Array.from(held));
  expect(other.mse).toBeLessThan(1);
});

test('a small file of effort 1 is chosen without coding it at the steps of its quality, which are none of the grid', async () => {
  const model = readModel(makeTinyModel(tinyModels[0]!));
  const { shape, spec } = model.card;
  const values = Float32Array.from({ length: pointCount(shape) * spec.outputs }, (_, i) => (i % 7) / 7);
  const signal = { id: 'ramp', shape, channels: spec.outputs, values };
  const coded = new Set<number>();
  const work: SessionWork = {
    ...inlineWork,
    codeWithin: (of, task, most, abort) => {
      coded.add(task.quality);
      return inlineWork.codeWithin(of, task, most, abort);
    },
  };
  const encoder = new SignalEncoder({ model, engine, work, limits: defaultLimits }, signal, {});
  expect(await encoder.isRanked(50, 1)).toBe(true);
  expect([...coded]).toEqual([55]);
  coded.clear();
  expect(await encoder.isRanked(50, 2)).toBe(true);
  expect([...coded]).toEqual([50]);
});
