import { beforeAll, describe, expect, it } from 'vitest';
import { fixedCases } from '../contract/cases.ts';
import { openTensorFlow, type TensorFlow } from './backend.ts';
import { openTfjs } from './tfjs.ts';

describe('the tfjs engine', () => {
  let tf: TensorFlow;
  let before: number;
  beforeAll(async () => {
    tf = (await openTensorFlow()).tf;
    before = tf.memory().numTensors;
  });

  it('leaves no tensor behind, whether a call ends well or not', async () => {
    const { net, batch, start } = fixedCases()[3]!;
    const engine = await openTfjs(tf);
    const adapted = await engine.adapt(net, batch, 1, { start });
    await engine.metaGradient(net, batch, adapted, { distortionWeight: 1 });
    const controller = new AbortController();
    const stopped = engine.adapt(net, batch, 5, { signal: controller.signal });
    controller.abort();
    await expect(stopped).rejects.toThrow('stopped');
    await engine.close();
    expect(tf.memory().numTensors).toBe(before);
  });
});
