import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Engine } from '../engine/engine.ts';
import { openReference } from '../engine/reference/reference.ts';
import type { TrainEvent } from './events.ts';
import { withOverrides } from './recipe.ts';
import { tinyRecipe, waves } from './testing.ts';
import { type Trained, type TrainerOptions, train } from './trainer.ts';

const engine = await openReference();
const directory = await mkdtemp(join(tmpdir(), 'functa-learn-'));
afterAll(() => rm(directory, { recursive: true }));
let files = 0;
const newPath = () => join(directory, `run-${files++}.safetensors`);

const recipe = tinyRecipe();
const source = waves(10);
const validation = waves(6, [8, 8], 2);

const learn = (options: Partial<TrainerOptions> = {}) =>
  train({ engine, source, validation, recipe, ...options });

function expectSame(a: Trained, b: Trained) {
  expect(a.network.weights).toEqual(b.network.weights);
  expect(a.network.rates).toEqual(b.network.rates);
  expect(a.steps).toEqual(b.steps);
  expect(a.scales).toEqual(b.scales);
  expect(a.slopes).toEqual(b.slopes);
  expect(a.history).toEqual(b.history);
}

const whole = await learn();

test('learning lowers the error and gives steps, scales and a history', async () => {
  const long = tinyRecipe({
    steps: 60,
    phases: { distortion: 40, rounded: 10, coded: 0 },
    validation: { every: 20 },
  });
  const events: TrainEvent[] = [];
  const { network, steps, scales, history } = await learn({
    recipe: long,
    onEvent: (event) => events.push(event),
  });
  expect(network.weights.every(Number.isFinite)).toBe(true);
  expect(history.map(({ step }) => step)).toEqual([20, 40, 60]);
  const progress = events.filter((event) => event.type === 'progress');
  expect(progress).toHaveLength(60);
  expect(progress[35]!.psnrDb).toBeGreaterThan(progress[0]!.psnrDb + 2);
  expect(progress[0]).toMatchObject({ phase: 'distortion', step: 1, steps: 60, bitsPerPoint: Number.NaN });
  expect(progress[45]).toMatchObject({ phase: 'noise' });
  expect(progress[59]).toMatchObject({ phase: 'rounded', secondsLeft: 0 });
  expect(history[0]!.rounded).toEqual([]);
  const [coarse, middle, fine] = history[2]!.rounded;
  const { lowest, highest } = long.quality;
  expect([coarse!.quality, middle!.quality, fine!.quality]).toEqual([lowest, 50, highest]);
  expect(coarse!.bitsPerPoint).toBeLessThan(middle!.bitsPerPoint);
  expect(middle!.bitsPerPoint).toBeLessThan(fine!.bitsPerPoint);
  expect(coarse!.psnrDb).toBeLessThan(fine!.psnrDb);
  expect([...steps, ...scales].every((x) => x > 0 && Number.isFinite(x))).toBe(true);
  expect(events.at(0)).toMatchObject({ type: 'start', step: 0 });
  expect(events.at(-1)).toMatchObject({ type: 'done', step: 60, skipped: 0 });
});

test('the same seed gives the same bits, another one does not', async () => {
  expectSame(await learn(), whole);
  const other = await learn({ recipe: withOverrides(recipe, { seed: 2 }) });
  expect(other.network.weights).not.toEqual(whole.network.weights);
});

test('how often a run validates, reports and saves changes nothing', async () => {
  const quiet = withOverrides(recipe, { validation: { every: 0 }, reportEvery: 50, checkpointEvery: 5 });
  const got = await learn({ recipe: quiet, checkpointPath: newPath() });
  expect(got.network).toEqual(whole.network);
});

test.each([1, 4, 7, 12])('a run stopped after step %i and resumed gives the same bits', async (stopAt) => {
  const checkpointPath = newPath();
  const abort = new AbortController();
  const stopped = learn({
    checkpointPath,
    signal: abort.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.step === stopAt) abort.abort();
    },
  });
  if (stopAt < recipe.steps) {
    await expect(stopped).rejects.toMatchObject({
      code: 'aborted',
      message: expect.stringContaining(`after ${stopAt} of 12 steps; resume from ${checkpointPath}`),
    });
  } else await stopped.catch(() => undefined);
  const events: TrainEvent[] = [];
  const resumed = await learn({ checkpointPath, resume: true, onEvent: (event) => events.push(event) });
  expect(events[0]).toMatchObject({ type: 'start', step: stopAt });
  expect(resumed.network).toEqual(whole.network);
  expect(resumed.steps).toEqual(whole.steps);
});

test('stopping in the middle of a step keeps the steps before it', async () => {
  const checkpointPath = newPath();
  const abort = new AbortController();
  let calls = 0;
  const slow: Engine = {
    ...engine,
    async metaGradient(...args) {
      if (++calls === 8) abort.abort();
      return engine.metaGradient(...args);
    },
  };
  await expect(learn({ engine: slow, checkpointPath, signal: abort.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  expectSame(await learn({ checkpointPath, resume: 'auto' }), whole);
});

test('an average of parameters is resumed too', async () => {
  const averaged = withOverrides(recipe, { optimiser: { emaDecay: 0.9 } });
  const want = await learn({ recipe: averaged });
  expect(want.network.weights).not.toEqual(whole.network.weights);
  const checkpointPath = newPath();
  const abort = new AbortController();
  const onEvent = (event: TrainEvent) => {
    if (event.type === 'progress' && event.step === 6) abort.abort();
  };
  await learn({ recipe: averaged, checkpointPath, signal: abort.signal, onEvent }).catch(() => undefined);
  const got = await learn({ recipe: averaged, checkpointPath, resume: true });
  expect(got.network).toEqual(want.network);
});

test('distortion alone to the end still gives quantiser steps', async () => {
  const plain = withOverrides(recipe, { phases: { distortion: 12, rounded: 0, coded: 0 } });
  const { steps, history } = await learn({ recipe: plain });
  expect(new Set(steps).size).toBeGreaterThan(1);
  expect(history.at(-1)!.rounded).toHaveLength(3);
});

test('learning goes on from a trained network', async () => {
  const start = { network: whole.network, steps: whole.steps, scales: whole.scales };
  const short = withOverrides(recipe, {
    steps: 1,
    phases: { distortion: 0, rounded: 0, coded: 0 },
    optimiser: { weights: 1e-12 },
  });
  const got = await learn({ recipe: short, start });
  got.network.weights.forEach((w, i) => {
    expect(w).toBeCloseTo(whole.network.weights[i]!, 6);
  });
});

test('a checkpoint of another recipe, source or start is refused and left as it was', async () => {
  const checkpointPath = newPath();
  await learn({ checkpointPath });
  const before = await readFile(checkpointPath);
  const conflict = { kind: 'conflict', code: 'other-recipe' };
  const other = withOverrides(recipe, { lambda: 0.5 });
  await expect(learn({ checkpointPath, resume: true, recipe: other })).rejects.toMatchObject(conflict);
  await expect(learn({ checkpointPath, resume: true, source: waves(11) })).rejects.toMatchObject(conflict);
  const start = { network: whole.network };
  await expect(learn({ checkpointPath, resume: true, start })).rejects.toMatchObject(conflict);
  expect(await readFile(checkpointPath)).toEqual(before);
});

test('a run does not overwrite the checkpoint of another, and resuming needs one', async () => {
  const checkpointPath = newPath();
  await expect(learn({ checkpointPath, resume: true })).rejects.toMatchObject({ code: 'no-checkpoint' });
  await expect(learn({ resume: true })).rejects.toMatchObject({ code: 'no-checkpoint-path' });
  await writeFile(checkpointPath, 'mine');
  await expect(learn({ checkpointPath })).rejects.toMatchObject({
    kind: 'conflict',
    code: 'checkpoint-exists',
  });
  expect(await readFile(checkpointPath, 'utf8')).toBe('mine');
});

test('damaged checkpoints are refused wherever the fault is', async () => {
  const checkpointPath = newPath();
  await learn({ checkpointPath });
  const good = await readFile(checkpointPath);
  const edits = Array.from({ length: 300 }, (_, i) => [Math.floor((i * good.length) / 300), 1 + (i % 255)]);
  for (const [at, change] of [...edits, [good.length - 1, 4]] as [number, number][]) {
    const bad = Buffer.from(good);
    bad[at]! ^= change;
    await writeFile(checkpointPath, bad);
    await expect(learn({ checkpointPath, resume: true }), `byte ${at}`).rejects.toMatchObject({
      kind: 'stream',
      code: expect.stringMatching(/^seal-/),
    });
  }
  await writeFile(checkpointPath, good.subarray(0, good.length - 9));
  await expect(learn({ checkpointPath, resume: true })).rejects.toMatchObject({ code: 'seal-absent' });
});

test('a checkpoint that cannot be written is an error of the environment and leaves nothing behind', async () => {
  const checkpointPath = join(directory, 'missing', 'run.safetensors');
  await expect(learn({ checkpointPath })).rejects.toMatchObject({
    kind: 'environment',
    code: 'cannot-write',
  });
  await expect(stat(join(directory, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('ten steps in a row without finite numbers end the run; fewer are reported and survived', async () => {
  const failing = (bad: (call: number) => boolean): Engine => {
    let calls = 0;
    return {
      ...engine,
      async metaGradient(...args) {
        const meta = await engine.metaGradient(...args);
        if (bad(calls++)) meta.losses[0] = Number.POSITIVE_INFINITY;
        return meta;
      },
    };
  };
  const skipped: TrainEvent[] = [];
  const onEvent = (event: TrainEvent) => {
    if (event.type === 'skipped') skipped.push(event);
  };
  const plain = withOverrides(recipe, { phases: { distortion: 12, rounded: 0, coded: 0 } });
  await expect(learn({ recipe: plain, engine: failing(() => true), onEvent })).rejects.toMatchObject({
    code: 'diverged',
  });
  expect(skipped.map((event) => event.type === 'skipped' && event.inRow)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ]);
  const survived = await learn({ recipe: plain, engine: failing((call) => call === 2 || call === 3) });
  expect(survived.skipped).toBe(2);
});

test('a source of other channels or shapes is refused before anything is learnt', async () => {
  await expect(learn({ source: { ...source, channels: 3 } })).rejects.toMatchObject({
    code: 'signal-channels',
  });
  await expect(learn({ source: waves(4, [8, 9]) })).rejects.toMatchObject({ code: 'signal-shape' });
});
