import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { layoutOfGrids } from '../../src/field/layout.ts';
import type { CheckpointPlace } from '../train/checkpoint.ts';
import { readPriorFile, writePriorFile } from '../train/prior-file.ts';
import type { TrainingSet } from '../train/standard.ts';
import { type DiffusionTraining, openDiffusion, trainDiffusion, withSampling } from './index.ts';
import { drawSamples } from './sampler.ts';
import { trainingSigma } from './schedule.ts';

const levels = [
  { cells: [2, 2], channels: 2, cell: [8, 8] },
  { cells: [3, 3], channels: 1, cell: [4, 4] },
];
const length = 17;

/** Two kinds of modulations, far apart. */
function trainingSet(count: number): TrainingSet {
  const rng = new Rng(1);
  const labelOf = Uint16Array.from({ length: count }, (_, i) => i % 2);
  const modulations = Float32Array.from(
    { length: count * length },
    (_, i) => (labelOf[Math.floor(i / length)] === 0 ? -2 : 2) + 0.2 * rng.normal(),
  );
  return { layout: layoutOfGrids(levels), count, modulations, labels: [3, 'boot'], labelOf };
}

const settings = { trainingSteps: 150, batch: 16, width: 16, blocks: 1, heads: 2, rate: 1e-2 };
const training = (more: Partial<DiffusionTraining> = {}): DiffusionTraining => ({
  set: trainingSet(64),
  networkId: 'a'.repeat(64),
  steps: new Float32Array(3).fill(1),
  data: 'made up',
  tokenLevels: true,
  ...settings,
  ...more,
});
const bytes = await trainDiffusion(training());
const diffusion = await openDiffusion(bytes);
const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a diffusion', () => {
  test('draws of a label what was labelled so, by either sampler', async () => {
    for (const schedule of ['edm', 'cosine'] as const) {
      for (const [label, sign] of [
        [3, -1],
        ['boot', 1],
      ] as const) {
        const drawn = await diffusion.sample({ count: 4, seed: 2, label, guidance: 2, schedule });
        for (const item of drawn) expect(sign * mean(item)).toBeGreaterThan(0.8);
      }
    }
  });

  test('a lower temperature draws closer to the middle of a label', async () => {
    for (const schedule of ['edm', 'cosine'] as const) {
      const away = async (temperature?: number) => {
        const drawn = await diffusion.sample({ count: 4, seed: 3, label: 3, schedule, temperature });
        return mean(Float32Array.from(drawn.flatMap((item) => [...item.map((x) => (x + 2) ** 2)])));
      };
      expect(await away(1)).toBe(await away());
      expect(await away(0.8)).toBeLessThan(await away());
    }
    const cold = diffusion.sample({ count: 1, seed: 0, temperature: 0.4 });
    await expect(cold).rejects.toMatchObject({ code: 'temperature' });
  });

  test.each([4, 8, 18])('%i steps draw from a normal distribution what it is', async (steps) => {
    const [mean, variance] = [2, 0.25];
    const denoise = (x: Float32Array, sigma: number) =>
      x.map((value) => mean + ((value - mean) * variance) / (variance + sigma * sigma));
    const pullBack = () => expect.fail();
    const drawn = await drawSamples({ denoise, pullBack }, 1, 'edm', { count: 512, seed: 1, steps });
    const values = drawn.map(([value]) => value!);
    const found = values.reduce((sum, value) => sum + value / 512, 0);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - found) ** 2 / 512, 0));
    expect(Math.abs(found - mean)).toBeLessThan(0.1);
    expect(deviation / 0.5).toBeGreaterThan(0.8);
    expect(deviation / 0.5).toBeLessThan(1.1);
  });

  test('draws take what the card says where nothing is asked, guidance towards a label alone', async () => {
    const chosen = await openDiffusion(withSampling(bytes, { guidance: 3, steps: 6 }));
    expect(chosen.sampling).toEqual({ guidance: 3, steps: 6 });
    const draw = { count: 2, seed: 5 };
    const asked = (more: object) => diffusion.sample({ ...draw, ...more });
    expect(await chosen.sample({ ...draw, label: 3 })).toEqual(
      await asked({ label: 3, guidance: 3, steps: 6 }),
    );
    expect(await chosen.sample(draw)).toEqual(await asked({ steps: 6 }));
    expect(await chosen.sample({ ...draw, label: 3, guidance: 1, steps: 8 })).toEqual(
      await asked({ label: 3, steps: 8 }),
    );
    expect(await chosen.sample({ ...draw, schedule: 'cosine' })).toEqual(await asked({ schedule: 'cosine' }));
    for (const sampling of [{ guidance: 21 }, { steps: 0 }, { steps: 19 }]) {
      expect(() => withSampling(bytes, sampling)).toThrow(/guidance|steps/);
      const { card, tensors } = readPriorFile(bytes, 'diffusion');
      await expect(openDiffusion(writePriorFile({ ...card, sampling }, tensors))).rejects.toMatchObject({
        code: 'prior-format',
      });
    }
    const later = await trainDiffusion(
      training({ trainingSteps: 2, from: withSampling(bytes, { steps: 6 }) }),
    );
    expect((await openDiffusion(later)).sampling).toEqual({ steps: 6 });
  });

  test('the same seed gives the same samples, another seed others', async () => {
    const draw = (seed: number) => diffusion.sample({ count: 2, seed, steps: 6 });
    expect(await draw(5)).toEqual(await draw(5));
    expect(await draw(6)).not.toEqual(await draw(5));
  });

  test('what it pulls back is the gradient by finite differences', () => {
    const at = Float32Array.from({ length }, (_, i) => Math.sin(i));
    const { denoised, gradient } = diffusion.pullBack(at, 0.5, (found) => found.map(() => 1));
    expect(denoised).toEqual(diffusion.denoise(at, 0.5));
    const sum = (z: Float32Array) => diffusion.denoise(z, 0.5).reduce((all, value) => all + value, 0);
    for (const d of [0, 7, 16]) {
      const [up, down] = [at.slice(), at.slice()];
      up[d]! += 0.05;
      down[d]! -= 0.05;
      expect(gradient[d]!).toBeCloseTo((sum(up) - sum(down)) / 0.1, 1);
    }
  });

  test('a run that was stopped and resumed writes the bytes of one that was not', async () => {
    let kept: Uint8Array | undefined;
    const place: CheckpointPlace = {
      load: async () => kept,
      save: async (state) => {
        kept = state.slice();
      },
    };
    const control = new AbortController();
    const stopped = trainDiffusion(
      training({
        checkpoint: place,
        signal: control.signal,
        onEvent: (event) => {
          if (event.type === 'train') control.abort();
        },
      }),
    );
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(await trainDiffusion(training({ checkpoint: place }))).toEqual(bytes);
  });

  test('tokens that are known tell it what the others are', () => {
    const { tokens, tokenOf } = diffusion.tokens;
    for (const sign of [-1, 1]) {
      const clean = diffusion.standardise(new Float32Array(length).fill(2 * sign));
      const noisy = clean.map((value, i) => (tokenOf[i] === 0 ? value : 0));
      const alone = diffusion.denoise(noisy, 10);
      const told = diffusion.denoise(
        noisy,
        Float64Array.from({ length: tokens }, (_, t) => (t === 0 ? 0.1 : 10)),
      );
      const hidden = (values: Float32Array) => mean(values.filter((_, i) => tokenOf[i] !== 0));
      expect(hidden(told) / hidden(clean)).toBeGreaterThan(0.4);
      expect(hidden(told) / hidden(clean) - hidden(alone) / hidden(clean)).toBeGreaterThan(0.15);
    }
    expect(() => diffusion.denoise(new Float32Array(length), [1, 1])).toThrow(/4 tokens/);
  });

  test('a training goes on from its file, and from that of a prior that knows one level an item', async () => {
    const held = trainingSet(32);
    const lossOf = async (more: Partial<DiffusionTraining>) =>
      (await openDiffusion(await trainDiffusion(training({ heldOut: held, ...more })))).card;
    const short = { trainingSteps: 4 };
    const fresh = await lossOf(short);
    const later = await lossOf({ ...short, from: bytes });
    expect(later.figures.heldOutLoss).toBeLessThan(0.8 * fresh.figures.heldOutLoss!);
    expect(later.recipe).toMatchObject({ stepsBefore: 150, trainingSteps: 4, width: 16 });
    const { card, tensors } = readPriorFile(bytes, 'diffusion');
    const { levels, ...recipe } = card.recipe;
    expect(levels).toBe('tokens');
    const old = writePriorFile(
      { ...card, recipe },
      new Map([...tensors].filter(([name]) => name !== 'in.levels')),
    );
    const opened = await openDiffusion(old);
    expect(opened.tokenLevels).toBe(false);
    expect(() => opened.denoise(new Float32Array(length), [1, 1, 1, 1])).toThrow(/one noise level/);
    const taught = await openDiffusion(await trainDiffusion(training({ ...short, from: old })));
    expect(taught.tokenLevels).toBe(true);
    const whole = { ...short, from: old, tokenLevels: false };
    expect((await openDiffusion(await trainDiffusion(training(whole)))).tokenLevels).toBe(false);
    const kept = await openDiffusion(await trainDiffusion(training({ ...whole, from: bytes })));
    expect(kept.tokenLevels).toBe(true);
    const labels = { ...trainingSet(64), labels: [3, 'shoe'] };
    await expect(trainDiffusion(training({ set: labels, from: bytes }))).rejects.toMatchObject({
      code: 'prior-training',
    });
  });

  test('noise levels of the training are what two thirds of its items lie between, and stand in the card', async () => {
    const levels = Array.from({ length: 1001 }, (_, i) => trainingSigma('edm', (i - 500) / 100, 0, [0.3, 6]));
    expect(levels[400]).toBeCloseTo(0.3);
    expect(levels[600]).toBeCloseTo(6);
    expect(trainingSigma('edm', -1, 0)).toBeCloseTo(0.18);
    expect(trainingSigma('edm', 1, 0)).toBeCloseTo(2, 1);
    const { card } = await openDiffusion(
      await trainDiffusion(training({ trainingSteps: 2, noise: [0.3, 6] })),
    );
    expect(card.recipe.noise).toBe('0.3,6');
    for (const noise of [[0.3], [6, 0.3], [0, 1], [1, 81], [1, 2, 3]])
      await expect(trainDiffusion(training({ noise }))).rejects.toMatchObject({ code: 'prior-training' });
  });

  test('an unknown label, guidance out of range, another network are refused in a line', async () => {
    const draw = { count: 1, seed: 0 };
    await expect(diffusion.sample({ ...draw, label: 'shoe' })).rejects.toMatchObject({
      code: 'unknown-label',
      message: /3, boot/,
    });
    await expect(diffusion.sample({ ...draw, guidance: 21 })).rejects.toMatchObject({ code: 'guidance' });
    await expect(diffusion.sample({ ...draw, steps: 0 })).rejects.toMatchObject({ code: 'sample-steps' });
    await expect(openDiffusion(bytes, { networkId: 'b'.repeat(64) })).rejects.toMatchObject({
      code: 'prior-network',
    });
    await expect(openDiffusion(bytes.subarray(0, 90))).rejects.toMatchObject({ kind: 'stream' });
  });
});
