import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { loadModel } from '../models/models.ts';
import { openSession } from '../session/index.ts';
import { evaluate } from './index.ts';
import { makeTinyModel } from './testing.ts';

vi.setConfig({ testTimeout: 120_000 });

let engine: Engine;
let model: Model;
let bytes: Uint8Array;

beforeAll(async () => {
  engine = await openEngine();
  bytes = await makeTinyModel(engine);
  model = readModel(bytes);
}, 120_000);

afterAll(() => engine.close());

describe('evaluate', () => {
  it('measures real files, both PSNRs, the histogram on the same symbols and peers at the same PSNR', async () => {
    const result = await evaluate({
      model,
      engine,
      data: 'fixture-fashion',
      split: 'test',
      qualities: [40, 60],
      peers: ['jpeg', 'webp'],
    });
    expect(result).toMatchObject({
      model: 'tiny',
      dataset: 'fixture-fashion',
      split: 'test',
      n: 8,
      prior: 'factorized',
    });
    const [low, high] = result.qualities;
    for (const row of result.qualities) {
      expect(row.archiveBytes).toBeLessThan(row.fileBytes);
      expect(row.bitsPerPoint).toBeCloseTo((8 * row.fileBytes) / 784, 9);
      expect(Math.abs(row.fileBytesWithoutHeader - row.estimatedBits / 8)).toBeLessThan(
        4 + row.fileBytes / 100,
      );
      expect(row.psnrDbOfMeanMse).toBeLessThanOrEqual(row.psnrDbMeanOfItems);
      expect(row.histogramBytes).toBeGreaterThan(row.archiveBytes);
      expect(row.encodeMs).toBeGreaterThan(0);
      expect(row.decodeMs).toBeGreaterThan(0);
      for (const peer of Object.values(row.peers)) {
        expect(peer.bytes).toBeGreaterThan(peer.fixedBytes);
        if (peer.at === 'interpolated') expect(peer.psnrDb).toBeCloseTo(row.psnrDbMeanOfItems, 9);
      }
    }
    expect(high!.psnrDbMeanOfItems).toBeGreaterThan(low!.psnrDbMeanOfItems);
    expect(high!.fileBytes).toBeGreaterThan(low!.fileBytes);
    const session = openSession({ model, engine });
    const { openDataset } = await import('../../datasets/registry.ts');
    const first = await (await openDataset('fixture-fashion', 'test')).get(0);
    expect((await session.encode(first, { quality: 40 })).bytes.length).toBeGreaterThan(6);
  });

  it.each([
    [{ peers: ['gif'] }, 'unknown-peer'],
    [{ qualities: [] }, 'no-qualities'],
    [{ data: 'nowhere' }, 'unknown-dataset'],
  ])('refuses %j', async (change, code) => {
    const options = {
      model,
      engine,
      data: 'fixture-fashion',
      split: 'test' as const,
      limit: 1,
      ...change,
    };
    await expect(evaluate(options)).rejects.toMatchObject({ code });
  });

  it('refuses codecs of pictures beside a model of other signals', async () => {
    const sounds = await loadModel('speech');
    const asked = evaluate({ model: sounds, engine, data: 'fixture-fashion', peers: ['jpeg'] });
    await expect(asked).rejects.toMatchObject({
      code: 'unknown-peer',
      message: 'jpeg codes 8-bit pictures, and model speech is of other signals; leave peers out',
    });
  });
});
