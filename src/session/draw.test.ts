import { describe, expect, test } from 'vitest';
import { codingKinds, kindsThat } from '../../prior/kinds.ts';
import { defaultLimits } from '../core/limits.ts';
import { openEngine } from '../engine/index.ts';
import { describePriors } from '../models/abilities.ts';
import { listModels, loadModel } from '../models/models.ts';
import { functionsOf } from './coding.ts';
import { draw, priorToDraw } from './draw.ts';
import { openSession } from './session.ts';
import type { DecodedModulation, DrawTask } from './work.ts';

const model = await loadModel('fashion-mnist');
const task: DrawTask = {
  count: 2,
  seed: 3,
  temperature: 1,
  quality: 50,
  prior: 'diffusion',
  shape: [28, 28],
};

describe('drawing from priors with files of their own', () => {
  test('gives an archive of functions, the same for the same seed and in a larger sample', async () => {
    for (const prior of ['diffusion', 'flow', 'gaussian']) {
      const drawn = await draw(model, { ...task, prior });
      const found = [...functionsOf(model, drawn.archive, { limits: defaultLimits })] as DecodedModulation[];
      expect(found.map(({ modulation }) => modulation)).toEqual(drawn.modulations);
      const { modulations } = await draw(model, { ...task, prior, count: 1 });
      expect(modulations[0]).toEqual(drawn.modulations[0]);
    }
  });

  test('what a prior cannot do is refused, with those that can', async () => {
    const refused: [Partial<DrawTask>, string, RegExp][] = [
      [{ prior: 'flow', label: 3 }, 'prior-cannot', /diffusion would/],
      [{ prior: 'factorized', guidance: 2 }, 'prior-cannot', /diffusion would/],
      [{ prior: 'gaussian', temperature: 0.9 }, 'prior-cannot', /flow/],
      [{ temperature: 0.4 }, 'temperature', /0.5 to 2/],
      [{ label: 'shoe' }, 'unknown-label', /0, 1, 2/],
      [{ label: 3, guidance: 21 }, 'guidance', /0 to 20/],
      [{ guidance: 2 }, 'guidance-without-label', /give a label/],
      [{ shape: [56, 56] }, 'prior-shape', /28,28/],
      [{ prior: 'nobody' }, 'unknown-prior', /diffusion, flow/],
    ];
    for (const [more, code, message] of refused) {
      await expect(draw(model, { ...task, ...more })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
  });

  test('where no prior is named, one that takes what is asked draws', async () => {
    expect(priorToDraw(model, { temperature: 1 })).toBe('autoregressive');
    expect(priorToDraw(model, { temperature: 1, steps: 8 })).toBe('diffusion');
    const engine = await openEngine(undefined, { threads: 1 });
    try {
      const session = openSession({ model, engine });
      const asked = { count: 1, seed: 4, label: 3, steps: 2, decode: false };
      const { archive } = await session.sample(asked);
      expect(archive).toEqual((await session.sample({ ...asked, prior: 'diffusion' })).archive);
    } finally {
      await engine.close();
    }
  });

  test('a prior that is not there is named with those that are', async () => {
    const { path: _, ...withoutPath } = model;
    await expect(draw(withoutPath, task)).rejects.toMatchObject({
      code: 'prior',
      message: expect.stringMatching(/autoregressive, factorized, histogram/),
    });
  });

  test('all priors of a model are told with what they can do', async () => {
    const told = await describePriors(model);
    expect(told.map(({ name }) => name)).toEqual([...codingKinds, 'diffusion', 'flow', 'gaussian']);
    expect(told.at(-1)).toEqual({ name: 'gaussian', can: ['sample', 'complete', 'score'] });
    expect(kindsThat('code')).toEqual(codingKinds);
  });

  test('their files are no models', async () => {
    const names = (await listModels()).map(({ name }) => name);
    for (const beside of ['diffusion', 'classifier']) expect(names).not.toContain(beside);
  });
});
