/** Stopping, closing, sharing the event loop, and not growing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { coveringGrid } from '../../field/coordinates.ts';
import { preset } from '../../field/presets.ts';
import type { Subject } from '../contract.ts';
import type { Engine } from '../engine.ts';
import { makeCase } from './cases.ts';

const CALLS = Number(process.env.FUNCTA_CONTRACT_CALLS ?? 100);
/** What a run may hold more at its end than after its first calls: caches, the allocator's slack. */
const SLACK_MB = 24;

export function describeLifetime(subject: Subject): void {
  const spec = preset('pyramid', { axes: 2, outputs: 3, width: 17 });
  const small = makeCase('small', spec, [7, 6], 2, true, 21);
  const large = makeCase('large', spec, [64, 64], 8, false, 22);

  describe('stops when asked', () => {
    const calls: [string, (engine: Engine, signal: AbortSignal) => Promise<unknown>][] = [
      [
        'evaluate',
        (e, signal) =>
          e.evaluate(spec0(large), large.batch.shape, one(large), coveringGrid([64, 64], [512, 512]), {
            signal,
          }),
      ],
      ['gradient', (e, signal) => e.gradient(large.net, large.batch, large.modulations, { signal })],
      ['adapt', (e, signal) => e.adapt(large.net, large.batch, 50, { signal })],
      [
        'metaGradient',
        (e, signal) => e.metaGradient(large.net, large.batch, still(50), { distortionWeight: 1 }, { signal }),
      ],
    ];
    const spec0 = (c: typeof large) => c.net;
    const still = (steps: number) => ({
      trajectory: new Float32Array((steps + 1) * large.modulations.length),
      losses: new Float64Array(steps * large.batch.count),
    });

    it.each(calls)('%s: before it starts, and while it runs', async (_, call) => {
      await expect(call(subject.engine(), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
      const controller = new AbortController();
      const running = call(subject.engine(), controller.signal);
      controller.abort();
      await expect(running).rejects.toMatchObject({ code: 'aborted' });
    });

    it('and goes on working, also with a signal that is never used', async () => {
      const { signal } = new AbortController();
      await expect(subject.engine().adapt(small.net, small.batch, 2, { signal })).resolves.toBeDefined();
    });
  });

  it('closes twice without complaint, with work under way or none, and says that it is closed', async () => {
    const engine = await subject.open();
    const running = engine
      .gradient(small.net, small.batch, small.modulations)
      .catch((error: unknown) => error);
    await engine.close();
    await engine.close();
    await running;
    const late = engine.gradient(small.net, small.batch, small.modulations);
    await expect(late).rejects.toMatchObject({ code: 'engine-closed' });
    await expect(subject.engine().gradient(small.net, small.batch, small.modulations)).resolves.toBeDefined();
  });

  it.runIf(subject.asynchronous)('leaves the event loop free while it works', async () => {
    let turns = 0;
    let running = true;
    const count = () => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    await subject.engine().adapt(large.net, large.batch, 40);
    running = false;
    expect(turns).toBeGreaterThan(20);
  });

  it(`holds no more memory after ${CALLS} calls, failed and stopped ones among them`, async () => {
    const round = async () => {
      const engine = subject.engine();
      const { net, batch, modulations } = small;
      const scattered = { kind: 'list', coordinates: small.scattered } as const;
      await engine.evaluate(net, batch.shape, one(small), coveringGrid(batch.shape));
      await engine.evaluateMany(net, { shape: batch.shape, count: 2, modulations }, scattered);
      const adapted = await engine.adapt(net, batch, 1);
      await engine.metaGradient(net, batch, adapted, { distortionWeight: 1 });
      await engine.gradient(net, batch, modulations.subarray(1)).catch(() => undefined);
      await engine.gradient(net, batch, modulations, { signal: AbortSignal.abort() }).catch(() => undefined);
    };
    // JavaScript's own heap grows to its working size over hundreds of calls, and stays there.
    for (let i = 0; i < Math.max(10, CALLS / 20); i++) await round();
    const before = heldMb();
    for (let i = 0; i < CALLS / 5; i++) await round();
    expect(heldMb() - before).toBeLessThan(SLACK_MB);
  }, 600_000);
}

/** The first modulation of a case. */
function one(c: { modulations: Float32Array; batch: { count: number } }): Float32Array {
  return c.modulations.subarray(0, c.modulations.length / c.batch.count);
}

/** Memory of the process after a full collection. */
function heldMb(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().rss / 2 ** 20;
}
