import { beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { layoutOfGrids } from '../../src/field/layout.ts';
import type { CheckpointPlace } from '../train/checkpoint.ts';
import { readPriorFile, writePriorFile } from '../train/prior-file.ts';
import type { TrainingSet } from '../train/standard.ts';
import { type Diffusion, distilDiffusion, openDiffusion, trainDiffusion, withSampling } from './index.ts';

const levels = [
  { cells: [2, 2], channels: 2, cell: [8, 8] },
  { cells: [3, 3], channels: 1, cell: [4, 4] },
];
const length = 17;
const networkId = 'a'.repeat(64);

/** Two labels, and in each two kinds of modulations, far apart: a mean of both is like neither. */
function trainingSet(count: number): TrainingSet {
  const rng = new Rng(1);
  const labelOf = Uint16Array.from({ length: count }, (_, i) => i % 2);
  const modulations = new Float32Array(count * length);
  for (let i = 0; i < count; i++) {
    const sign = rng.uniform() < 0.5 ? -1 : 1;
    for (let d = 0; d < length; d++) {
      const kind = labelOf[i] === 0 ? 1 : d % 2 === 0 ? 1 : -1;
      modulations[i * length + d] = 2 * sign * kind + 0.3 * rng.normal();
    }
  }
  return { layout: layoutOfGrids(levels), count, modulations, labels: [3, 'boot'], labelOf };
}

const teacherBytes = withSampling(
  await trainDiffusion({
    ...{ set: trainingSet(256), networkId, steps: new Float32Array(3).fill(1), data: 'made up' },
    ...{ trainingSteps: 500, batch: 32, width: 16, blocks: 1, heads: 2, rate: 1e-2, tokenLevels: true },
  }),
  { guidance: 2, steps: 8 },
);
const settings = { teacher: teacherBytes, networkId, paths: 512, trainingSteps: 400, batch: 32, rate: 1e-2 };
const teacher = await openDiffusion(teacherBytes);
let bytes: Uint8Array;
let both: Diffusion;

beforeAll(async () => {
  bytes = await distilDiffusion(settings);
  both = await openDiffusion(teacherBytes, { distilled: bytes });
});

const asked = { count: 32, seed: 7, label: 'boot' };

/** Root mean square of differences, over that of draws of the teacher by other seeds. */
async function away(draws: Promise<Float32Array[]>, target: readonly Float32Array[]): Promise<number> {
  const rms = (a: readonly Float32Array[]) =>
    Math.sqrt(a.reduce((sum, z, i) => sum + z.reduce((s, v, d) => s + (v - target[i]![d]!) ** 2, 0), 0));
  return rms(await draws) / rms(await teacher.sample({ ...asked, seed: 8 }));
}

describe('a distilled diffusion', () => {
  test.each([1, 2])(
    '%i steps end near where the many steps of the same seeds do, and nearer than its own',
    async (steps) => {
      for (const label of ['boot', undefined]) {
        const many = await teacher.sample({ ...asked, label });
        const few = await away(both.sample({ ...asked, label, steps }), many);
        const without = await away(teacher.sample({ ...asked, label, steps }), many);
        expect(few).toBeLessThan(0.5 * without);
        expect(few).toBeLessThan(0.35);
      }
    },
  );

  test('other numbers of steps are drawn by the diffusion itself, and it says which are not', async () => {
    expect(await both.sample({ ...asked, steps: 4 })).toEqual(await teacher.sample({ ...asked, steps: 4 }));
    expect(await both.sample(asked)).toEqual(await teacher.sample(asked));
    expect(await both.distilledAt(2)).toEqual({ steps: 2, guidance: 2 });
    expect(await both.distilledAt(undefined)).toBeUndefined();
    expect(await teacher.distilledAt(2)).toBeUndefined();
    const chosen = await openDiffusion(withSampling(teacherBytes, { steps: 1 }), { distilled: bytes });
    expect(await chosen.distilledAt(undefined)).toEqual({ steps: 1, guidance: 2 });
    expect(await chosen.sample(asked)).toEqual(await both.sample({ ...asked, steps: 1 }));
  });

  test('the first of a larger sample are a smaller one, and another guidance or a temperature is refused', async () => {
    const few = { ...asked, steps: 2 };
    const drawn = await both.sample(few);
    expect(await both.sample({ ...few, count: 3, guidance: 2 })).toEqual(drawn.slice(0, 3));
    for (const more of [{ guidance: 1 }, { temperature: 0.9 }]) {
      await expect(both.sample({ ...few, ...more })).rejects.toMatchObject({
        code: 'distilled',
        message: expect.stringMatching(/^2 steps .*leave it out, or take more steps$/),
      });
    }
    await expect(both.sample({ ...few, label: 'shoe' })).rejects.toMatchObject({ code: 'unknown-label' });
    await expect(both.sample({ ...few, count: 0 })).rejects.toMatchObject({ code: 'bad-count' });
  });

  test('a run that was stopped and resumed writes the bytes of one that was not', async () => {
    let kept: Uint8Array | undefined;
    const checkpoint: CheckpointPlace = {
      load: async () => kept,
      save: async (state) => {
        kept = state.slice();
      },
    };
    const control = new AbortController();
    const short = { ...settings, paths: 64, trainingSteps: 60, checkpoint };
    const stopped = distilDiffusion({
      ...{ ...short, signal: control.signal },
      onEvent: (event) => {
        if (event.type === 'train') control.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(kept).toBeDefined();
    const resumed = await distilDiffusion(short);
    expect(resumed).toEqual(await distilDiffusion({ ...short, checkpoint: undefined }));
  });

  test('its card says what it learnt; others are refused', async () => {
    const { card, tensors } = readPriorFile(bytes, 'distilled', { networkId });
    expect(card.few).toEqual({
      guidance: 2,
      ways: [
        [expect.closeTo(12), 0],
        [expect.closeTo(12), expect.closeTo(1.0689, 3), 0],
      ],
    });
    expect(card.recipe).toMatchObject({ teacherSteps: 8, paths: 512, trainingSteps: 400 });
    expect(card.figures.heldOutLoss).toBeGreaterThan(0);
    await expect(openDiffusion(bytes)).rejects.toMatchObject({ code: 'prior-format' });
    for (const few of [undefined, { guidance: 2, ways: [] }, { guidance: 2, ways: [[1, 2, 0]] }]) {
      const distilled = writePriorFile({ ...card, few }, tensors);
      const opened = await openDiffusion(teacherBytes, { distilled });
      await expect(opened.sample({ ...asked, steps: 2 })).rejects.toMatchObject({ code: 'prior-format' });
    }
    const another = await openDiffusion(
      await trainDiffusion({
        ...{ set: trainingSet(64), networkId, steps: new Float32Array(3).fill(1), data: 'made up' },
        ...{ trainingSteps: 1, batch: 8, width: 16, blocks: 1, heads: 2, tokenLevels: true },
      }),
      { distilled: bytes },
    );
    await expect(another.sample({ ...asked, steps: 2 })).rejects.toMatchObject({
      code: 'distilled',
      message: expect.stringContaining('learnt from another one'),
    });
    const other = { ...card, networkId: 'b'.repeat(64) };
    const opened = await openDiffusion(teacherBytes, { distilled: writePriorFile(other, tensors) });
    await expect(opened.sample({ ...asked, steps: 2 })).rejects.toMatchObject({ code: 'prior-network' });
    for (const wrong of [{ to: [] }, { to: [1, 1] }, { to: [9] }, { paths: 3 }]) {
      await expect(distilDiffusion({ ...settings, ...wrong })).rejects.toMatchObject({
        code: 'prior-training',
      });
    }
  });
});
