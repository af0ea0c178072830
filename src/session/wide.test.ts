import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { pngChunks } from '../formats/png.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import { collectRows } from '../signal/rows.ts';
import { fieldRows } from './rows.ts';

let engine: Engine;
let model: Model;
let modulation: Float32Array;
const shape = [28, 28];

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  model = readModel(await makeTinyModel(engine));
  const length = modulationLength(model.card.spec, shape);
  modulation = Float32Array.from({ length }, (_, i) => 0.1 * Math.sin(i));
});

afterAll(() => engine.close());

const rowsOf = (size: string, more: object = {}) =>
  fieldRows({ model, engine }, shape, modulation, { size, limits: defaultLimits, ...more });

test.each([{}, { raw: true }])(
  'a row wider than a block has the values that its parts have (%o)',
  async (more) => {
    const whole = await collectRows(rowsOf('300000x3', more));
    for (const [x, y] of [
      [0, 0],
      [131_060, 1],
      [299_900, 2],
    ] as const) {
      const part = await collectRows(rowsOf('300000x3', { ...more, region: `${x},${y},100,1` }));
      expect(part).toEqual(whole.subarray(y * 300_000 + x, y * 300_000 + x + 100));
    }
  },
);

test('a picture of one row takes no more memory than a square of as many points', async () => {
  const peakOf = async (size: string) => {
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let most = 0;
    for await (const _ of pngChunks(rowsOf(size))) most = Math.max(most, process.memoryUsage().rss - before);
    return most / 2 ** 20;
  };
  await peakOf('2048x2048');
  const square = await peakOf('2048x2048');
  const wide = await peakOf('4194304x1');
  // The row itself, as numbers and as bytes, and nothing else that grows with it: 7 bytes a sample.
  expect(wide - square).toBeLessThan(100);
});
