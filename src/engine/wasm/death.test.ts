import { expect, test } from 'vitest';
import { pyramid } from '../../field/presets.ts';
import { randomBatch, randomNetwork, uniformFrom } from '../testing.ts';
import { openWasm } from './wasm.ts';

test('a thread that dies fails the call under way with a tagged error, and the next call works', async () => {
  const uniform = uniformFrom(5);
  const spec = pyramid({ axes: 2, outputs: 3 });
  const net = randomNetwork(spec, 0.01, uniform);
  const large = randomBatch(spec, [32, 32], 32, false, uniform);
  const small = { ...large, count: 1, targets: large.targets.slice(0, 32 * 32 * 3) };
  const workers: { terminate(): unknown }[] = [];
  const engine = await openWasm({ threads: 2, onWorker: (worker) => workers.push(worker) });
  const before = await engine.adapt(net, small, 2);
  const call = engine.adapt(net, large, 50);
  setTimeout(() => workers[0]!.terminate(), 20);
  await expect(call).rejects.toMatchObject({ kind: 'environment', code: 'worker-died' });
  expect((await engine.adapt(net, small, 2)).trajectory).toEqual(before.trajectory);
  await engine.close();
});
