/** Long work on a folder of signals of any kind. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { kindNames, kinds, modelOfKind } from '../../test/kinds.ts';
import { temporary } from '../../test/temporary.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { signalToNpy } from '../formats/npy.ts';
import { systemRecipe, withOverrides } from '../learn/index.ts';
import { sourceOf } from './data.ts';
import { buildFunctaset, evaluate, shapeOfData, trainModel } from './index.ts';

let engine: Engine;
const root = mkdtempSync(join(tmpdir(), 'functa-kinds-'));
beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

describe.each(kindNames)('a folder of %ss', (name) => {
  const { outputs, axes, shape, signal } = kinds[name];
  const told = { outputs: outputs.map(({ offset: _, scale: __, ...rest }) => rest), axes };
  const count = 12;
  let data: string;
  beforeAll(() => {
    const directory = join(root, name);
    for (const split of ['train', 'test']) mkdirSync(join(directory, split), { recursive: true });
    writeFileSync(join(directory, 'signals.json'), JSON.stringify(told));
    for (let i = 0; i < count; i++)
      writeFileSync(join(directory, i < 8 ? 'train' : 'test', `${i + 10}.npy`), signalToNpy(signal(i)));
    writeFileSync(join(directory, 'train', 'notes.txt'), 'not a signal');
    data = `signals:${directory}`;
  });

  it('gives its signals as they are, with what they are', async () => {
    const set = await openDataset(data, 'train');
    expect(set).toMatchObject({ length: 8, channels: outputs.length, kind: told });
    expect(await set.get(3)).toMatchObject({ id: 'train/13.npy', values: signal(3).values });
    const { fillWeights } = sourceOf(set);
    const weights = new Float32Array(2 * shape.at(-1)!);
    if (name !== 'map') expect(fillWeights).toBeUndefined();
    else {
      await fillWeights!(0, { start: [0, 0], count: [2, 24] }, weights);
      expect(weights[0]! / weights[24]!).toBeCloseTo(
        Math.cos(82.5 * 0.0174533) / Math.cos(67.5 * 0.0174533),
        3,
      );
    }
    set.close();
  });

  it('is learnt by a model whose card says what they are', async () => {
    const recipe = withOverrides(systemRecipe('pyramid', await shapeOfData(data, 'train'), { cell: 4 }), {
      ...{ name: 'learnt', steps: 6, batch: 4, shape, crops: false },
      ...{ phases: { distortion: 3 }, validation: { every: 6, signals: 2 }, reportEvery: 3 },
    });
    const out = join(temporary(), 'learnt.safetensors');
    const { model } = await trainModel({ engine, recipe, data, out });
    expect(model.card.axes).toEqual(axes);
    const [{ low, peak }] = outputs as [(typeof outputs)[number]];
    expect(model.card.outputs).toEqual(
      told.outputs.map((output) => ({ ...output, offset: low + peak / 2, scale: peak })),
    );
    expect(model.card.training.peak).toBe(peak);
  });

  it('is built into a functaset and evaluated, with errors in its units', async () => {
    const model = modelOfKind(name);
    const path = join(temporary(), 'built');
    const built = await buildFunctaset({ data, split: 'all', path, model, engine, quality: 60 });
    expect(built).toMatchObject({ found: count, added: count, skipped: 0 });
    expect(built.psnrDbMeanOfItems).toBeGreaterThan(15);
    const { qualities } = await evaluate({ data, split: 'test', model, engine, qualities: [60] });
    const [row] = qualities;
    const [{ peak }] = outputs as [(typeof outputs)[number]];
    expect(row!.rmse).toHaveLength(outputs.length);
    if (outputs.length === 1)
      expect(row!.psnrDbOfMeanMse).toBeCloseTo(20 * Math.log10(peak / row!.rmse[0]!), 2);
    expect(row!.maxError[0]!).toBeGreaterThan(row!.rmse[0]!);
  });
});

describe('a folder that does not say what its signals are', () => {
  it('is refused with what to write', async () => {
    const directory = temporary();
    await expect(openDataset(`signals:${directory}`, 'all')).rejects.toMatchObject({ code: 'no-kind' });
    writeFileSync(join(directory, 'signals.json'), '{"outputs": [{"name": "x"}], "axes": []}');
    await expect(openDataset(`signals:${directory}`, 'all')).rejects.toThrow(
      'outputs[0].low must be a finite number',
    );
    writeFileSync(join(directory, 'signals.json'), 'no');
    await expect(openDataset(`signals:${directory}`, 'all')).rejects.toMatchObject({ code: 'bad-card' });
  });
});
