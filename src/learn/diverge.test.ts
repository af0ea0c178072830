import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../engine/engine.ts';
import { openWasm } from '../engine/wasm/wasm.ts';
import type { TrainEvent } from './events.ts';
import { tinyRecipe, waves } from './testing.ts';
import { type TrainerOptions, train } from './trainer.ts';
import { watchRule } from './watch.ts';

let engine: Engine;
const directory = mkdtempSync(join(tmpdir(), 'functa-diverge-'));
beforeAll(async () => {
  engine = await openWasm({ threads: 1 });
}, 60_000);
afterAll(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

const steps = 400;
const source = waves(10);

/** A recipe whose learning rate of the weights is planted: 0.0005 is what such networks take, 0.02 is too much. */
function planted(weights: number, share = 0.5) {
  return tinyRecipe({
    steps,
    phases: { distortion: steps - 12, rounded: 5, coded: 2 },
    optimiser: { weights, rates: 0.02, clipNorm: 1 },
    startRates: { share },
    validation: { every: 0 },
    checkpointEvery: 1000,
  });
}

async function run(options: Omit<TrainerOptions, 'engine' | 'source'>) {
  const events: TrainEvent[] = [];
  const trained = await train({
    ...options,
    engine,
    source,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  const of = <T extends TrainEvent['type']>(type: T) =>
    events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
  return { trained, of };
}

test('a run that diverges has its learning rates halved, says so, and comes back', {
  timeout: 120_000,
}, async () => {
  const { trained, of } = await run({ recipe: planted(0.02) });
  const cuts = of('rates-cut');
  expect(trained.rateCuts).toBe(cuts.length);
  expect(cuts.length).toBeGreaterThan(0);
  expect(cuts[0]!.growth).toBeGreaterThan(watchRule.growth);
  expect(cuts.map(({ share }) => share)).toEqual(cuts.map((_, i) => 2 ** -(i + 1)));
  const norms = of('progress').map(({ gradientNorm }) => gradientNorm);
  const worst = Math.max(...norms.filter(Number.isFinite));
  expect(norms.at(-1)).toBeLessThan(worst / 10);
});

test('one that does not is left alone', { timeout: 120_000 }, async () => {
  const { trained, of } = await run({ recipe: planted(0.0005) });
  expect([trained.rateCuts, trained.skipped]).toEqual([0, 0]);
  expect([...of('rates-cut'), ...of('start-rates-cut'), ...of('skipped')]).toEqual([]);
});

test('one that nothing brings back is an error that says what to do', { timeout: 120_000 }, async () => {
  await expect(run({ recipe: planted(0.5) })).rejects.toMatchObject({
    kind: 'input',
    code: 'diverged',
    message: expect.stringContaining('lower optimiser.weights'),
  });
});

test('a diverging run that is stopped after a cut and resumed gives the same bits', {
  timeout: 120_000,
}, async () => {
  const whole = await run({ recipe: planted(0.02) });
  const checkpointPath = join(directory, 'run');
  const control = new AbortController();
  const first = whole.of('rates-cut')[0]!.step;
  const stopped = run({
    recipe: planted(0.02),
    checkpointPath,
    signal: control.signal,
    onEvent: (event) => {
      if (event.step === first + 30) control.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  const resumed = await run({ recipe: planted(0.02), checkpointPath, resume: true });
  expect(resumed.trained).toEqual(whole.trained);
});

test('inner rates that are too large for the data are cut before the first step', {
  timeout: 120_000,
}, async () => {
  const { of } = await run({ recipe: planted(0.0005, 400) });
  const [cut] = of('start-rates-cut');
  expect(cut).toMatchObject({ step: 0 });
  expect(cut!.share).toBeLessThan(1);
  const [first] = of('progress');
  expect(first!.psnrDb).toBeGreaterThan(0);
});
