import { expect, test } from 'vitest';
import { openTensorFlow } from '../../src/engine/tfjs/backend.ts';
import { runTraining } from './loop.ts';

test('a training whose loss is no number ends at that step, and says what to look at', async () => {
  const { tf } = await openTensorFlow({ threads: 1 });
  const weight = tf.variable(tf.tensor([1]));
  const asked: number[] = [];
  const training = runTraining(tf, {
    variables: [weight],
    trainingSteps: 50,
    rate: 1e-3,
    digest: 'one',
    averageDecay: 0.9,
    step: (index) => {
      asked.push(index);
      return { loss: index < 3 ? 1 : Number.NaN, gradients: [tf.tensor([0.1])] };
    },
  });
  await expect(training).rejects.toMatchObject({
    code: 'diverged',
    message: expect.stringContaining('step 3'),
  });
  expect(asked).toEqual([0, 1, 2, 3]);
});
