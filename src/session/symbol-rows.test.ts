import { expect, test } from 'vitest';
import { dequantise } from '../../prior/quantiser.ts';
import { makeTinyModel, tinyModels } from '../../test/conformance/tiny-models.ts';
import { defaultLimits } from '../core/limits.ts';
import { Rng } from '../core/rng.ts';
import { openReference } from '../engine/reference/reference.ts';
import { modulationLayout } from '../field/layout.ts';
import { readModel } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { ownRuns } from '../fit/windows.ts';
import type { Box } from '../signal/box.ts';
import { collectRows } from '../signal/rows.ts';
import { stepsOf } from './coding.ts';
import { fieldRows } from './rows.ts';
import { symbolRows } from './symbol-rows.ts';

const engine = await openReference();
const models = tinyModels
  .map((tiny) => readModel(makeTinyModel(tiny)))
  .filter(({ card: { anySize, spec } }) => anySize && spec.levels.every(({ cell }) => cell !== null));

test('rows from the symbols that they read are those from all symbols, in blocks of any size', async () => {
  expect(models.length).toBeGreaterThan(1);
  const rng = new Rng(2);
  for (const model of models) {
    const { spec } = model.card;
    const shape = model.card.shape.map((n) => 2 * n + 5);
    const layout = modulationLayout(spec, shape);
    const symbols = Int32Array.from({ length: layout.length }, () => rng.below(7) - 3);
    const quality = 50;
    const modulation = dequantise(layout, symbols, stepsOf(model, quality));
    const context = { model, engine };
    const whole = await collectRows(
      fieldRows(context, shape, modulation, { quality, limits: defaultLimits }),
    );
    const symbolsIn = (box: Box) => {
      const part = new Int32Array(modulationLayout(spec, box.count).length);
      for (const { whole: from, at, length } of ownRuns(spec, shape, { box, own: box }))
        part.set(symbols.subarray(from, from + length), at);
      return part;
    };
    const inRow = pointCount(shape.slice(1));
    for (const rows of [1, 3, 8, 1000]) {
      const stream = symbolRows(context, { shape, quality }, symbolsIn, { blockPoints: rows * inRow });
      const found = await collectRows(stream);
      const off = found.reduce((most, value, i) => Math.max(most, Math.abs(value - whole[i]!)), 0);
      expect(off).toBeLessThan(1e-6);
    }
  }
});
