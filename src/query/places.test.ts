import { expect, it } from 'vitest';
import { makeTinyModel, tinyModels } from '../../test/conformance/tiny-models.ts';
import type { Engine } from '../engine/engine.ts';
import { readModel } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { type Shaped, valuesAt } from './places.ts';

const model = readModel(makeTinyModel(tinyModels[0]!));
const { shape, spec } = model.card;
const length = modulationLength(spec, shape);

/** The value of a function at every point is the sum of its modulation, which it reads late. */
const engine = {
  async evaluateMany(_net: unknown, { count, modulations }: { count: number; modulations: Float32Array }) {
    await new Promise(setImmediate);
    return Float32Array.from({ length: count }, (_, i) =>
      modulations.subarray(i * length, (i + 1) * length).reduce((sum, x) => sum + x, 0),
    );
  },
} as unknown as Engine;

const point = () => ({ kind: 'list' as const, coordinates: new Float32Array(shape.length) });

/** Some write their modulation, some have it. */
function functions(count: number, value: number): (Shaped & { readonly sum: number })[] {
  return Array.from({ length: count }, (_, i) => {
    const modulation = new Float32Array(length);
    modulation[i % length] = value + i;
    const writes = { writeModulation: (target: Float32Array) => target.set(modulation) };
    return { shape, quality: 50, modulation, sum: value + i, ...(i % 2 === 0 ? writes : {}) };
  });
}

it('walks that go on at the same time, or were left early, do not share room for modulations', async () => {
  const source = { engine, model };
  const walk = async (count: number, value: number, most = count) => {
    let seen = 0;
    for await (const { fn, values } of valuesAt(source, functions(count, value), point)) {
      expect(values).toEqual(Float32Array.of(fn.sum));
      if (++seen === most) break;
    }
    return seen;
  };
  expect(await Promise.all([walk(700, 1), walk(300, 10_000), walk(10, 500, 3)])).toEqual([700, 300, 3]);
  expect(await Promise.all([walk(5, 1), walk(600, 70_000)])).toEqual([5, 600]);
});
