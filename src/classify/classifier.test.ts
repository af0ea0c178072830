import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel, writeModel } from '../field/model.ts';
import { buildFunctaset, type JobEvent } from '../jobs/index.ts';
import { makeTinyModel } from '../jobs/testing.ts';
import { modulated, openFunctions } from '../session/functions.ts';
import { openFunctasetOf } from '../session/store.ts';
import { asAdapted, evaluateClassifier, openClassifier, trainClassifier } from './index.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let engine: Engine;
let model: Model;
const directory = mkdtempSync(join(tmpdir(), 'functa-classify-'));
const store = join(directory, 'set');

beforeAll(async () => {
  engine = await openEngine();
  model = readModel(await makeTinyModel(engine));
  await buildFunctaset({ data: 'fixture-fashion', split: 'train', path: store, model, engine });
});

afterAll(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

/** Enough turns that a handful of functions is known by heart. */
const learning = { epochs: 30, batch: 8, rate: 0.01, dropout: 0 };
const recipe = {
  stages: [
    { width: 8, blocks: 1 },
    { width: 16, blocks: 0 },
  ],
  views: 2,
  learning,
};

function train(out: string, changes: Partial<Parameters<typeof trainClassifier>[0]> = {}) {
  const path = join(directory, out);
  return trainClassifier({
    ...{ model, engine, functaset: store, probe: 'network', recipe, out: path },
    ...changes,
  });
}

test('a store of fewer functions than the usual batch is learnt as one batch; one that was asked for is refused', async () => {
  const small = { ...recipe, views: 1 };
  const { card } = await train('few.safetensors', { recipe: { ...small, learning: { epochs: 2 } } });
  expect(card.functions).toBe(48);
  const asked = train('asked.safetensors', { recipe: { ...small, learning: { epochs: 2, batch: 64 } } });
  await expect(asked).rejects.toMatchObject({ code: 'training' });
});

test.each([
  ['network', recipe],
  ['linear', { learning }],
] as const)(
  'a %s probe learns the functions it is shown, and its file gives the same answers',
  async (probe, given) => {
    const trained = await train(`${probe}.safetensors`, { probe, recipe: given, validation: store });
    expect(trained.card).toMatchObject({ probe, networkId: model.networkId, functions: 48 });
    const judged = await evaluateClassifier({ model, engine, classifier: trained.path, functaset: store });
    expect(judged.functions).toBe(48);
    expect(judged.accuracy).toBeGreaterThan(0.6);
    expect(judged.accuracy).toBe(trained.card.figures.validationAccuracy);
    const asked = await openClassifier({ model, classifier: trained.path });
    const opened = await openFunctasetOf(model, store, { readOnly: true });
    const functions = await openFunctions({ model, engine }, opened.iterate());
    await opened.close();
    const guesses = await asked.predict(await asAdapted(functions, { model, engine }));
    asked.dispose();
    const right = guesses.filter(([best], i) => best!.label === functions[i]!.label).length;
    expect(right / functions.length).toBe(judged.accuracy);
    for (const guess of guesses) {
      const probabilities = guess.map(({ probability }) => probability);
      expect(probabilities).toEqual([...probabilities].sort((x, y) => y - x));
      expect(probabilities[0]!).toBeLessThanOrEqual(1);
    }
  },
);

test('functions that were decoded from bytes are read as their fields adapt, those that were adapted as they are', async () => {
  const opened = await openFunctasetOf(model, store, { readOnly: true });
  const decoded = await modulated(
    { model, engine },
    await openFunctions({ model, engine }, opened.iterate({ limit: 6 })),
  );
  await opened.close();
  const fine = decoded.map((fn) => ({ ...fn, modulation: fn.modulation.map((x) => x + 1e-3) }));
  const own = await asAdapted(fine, { model, engine });
  own.forEach((modulation, i) => {
    expect(modulation).toBe(fine[i]!.modulation);
  });
  const anew = await asAdapted(decoded, { model, engine });
  const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, d) => x - b[d]!));
  anew.forEach((modulation, i) => {
    const rounded = decoded[i]!.modulation;
    expect(modulation).toHaveLength(rounded.length);
    expect(distance(modulation, rounded)).toBeGreaterThan(0);
  });
});

test('the same seed gives the same file, another seed another', async () => {
  const short = { ...recipe, learning: { ...learning, epochs: 1 } };
  const bytesOf = async (name: string, seed: number) => {
    const { path } = await train(name, {
      recipe: { ...short, learning: { ...short.learning, seed } },
    });
    return readFile(path);
  };
  const [first, again, other] = [
    await bytesOf('first', 1),
    await bytesOf('again', 1),
    await bytesOf('other', 2),
  ];
  expect(first.equals(again)).toBe(true);
  expect(first.equals(other)).toBe(false);
});

test('a training that is told to stop stops, and leaves no file', async () => {
  const stop = new AbortController();
  const onEvent = () => stop.abort();
  await expect(train('stopped', { signal: stop.signal, onEvent })).rejects.toMatchObject({ kind: 'aborted' });
  expect(existsSync(join(directory, 'stopped'))).toBe(false);
});

test('a training that was stopped goes on from its checkpoint, and its file is that of one that was not', async () => {
  const own = { ...recipe, learning: { ...learning, epochs: 9, dropout: 0.2 } };
  const whole = await train('whole', { recipe: own, validation: store });
  let stops = 0;
  for (let from = 0; ; ) {
    const stop = new AbortController();
    const notes: string[] = [];
    const onEvent = (event: JobEvent) => {
      if (event.type === 'note') notes.push(event.message);
      // At step 20 and 40: in the middle of an epoch of 6 steps.
      if (event.type === 'progress' && event.figures.loss !== undefined && stops < 2) stop.abort();
    };
    const running = train('parts', { recipe: own, validation: store, signal: stop.signal, onEvent });
    const ended = await running.then(
      () => true,
      (error: { kind: string }) => {
        expect(error).toMatchObject({ kind: 'aborted' });
        return false;
      },
    );
    if (from > 0) expect(notes).toContainEqual(expect.stringMatching(/^training goes on from step [1-9]/));
    if (ended) break;
    from = ++stops;
    expect(existsSync(join(directory, 'parts.checkpoint'))).toBe(true);
    const other = train('parts', { recipe: { ...own, views: 1 } });
    await expect(other).rejects.toMatchObject({ code: 'other-run' });
  }
  expect(stops).toBe(2);
  expect(await readFile(join(directory, 'parts'))).toEqual(await readFile(whole.path));
  expect(existsSync(join(directory, 'parts.checkpoint'))).toBe(false);
});

test('a functaset without labels, with one label, or of another model is refused with a reason', async () => {
  const plain = join(directory, 'plain');
  const from = await openFunctasetOf(model, store, { readOnly: true });
  const to = await openFunctasetOf(model, plain);
  const some = [...from.iterate({ limit: 3 })];
  await to.putMany(some.map(({ label: _, ...fn }) => fn));
  await expect(train('none', { functaset: plain })).rejects.toMatchObject({ code: 'no-labels' });
  await to.putMany(
    some.map((fn) => ({ ...fn, label: 'shoe' })),
    { replace: true },
  );
  await expect(train('none', { functaset: plain })).rejects.toMatchObject({ code: 'one-label' });
  await from.close();
  await to.close();
  const outputs = model.card.outputs.map((output) => ({ ...output, offset: 0.25 }));
  const card = { ...model.card, outputs };
  const other = readModel(writeModel({ ...model, card }));
  await expect(train('none', { model: other })).rejects.toMatchObject({ code: 'functaset-network' });
});

test("a classifier is refused where it is missing, no classifier, another model's, or met by unknown labels", async () => {
  const { path } = await train('small', { recipe: { ...recipe, learning: { epochs: 1, batch: 8 } } });
  const eager = (classifier: string, of = model) => openClassifier({ model: of, classifier });
  await expect(eager(join(directory, 'nothing'))).rejects.toMatchObject({ code: 'unknown-classifier' });
  const junk = join(directory, 'junk');
  await writeFile(junk, await makeTinyModel(engine));
  await expect(eager(junk)).rejects.toMatchObject({ code: 'classifier-format' });
  const outputs = model.card.outputs.map((output) => ({ ...output, offset: 0.25 }));
  const card = { ...model.card, outputs };
  const other = readModel(writeModel({ ...model, card }));
  await expect(eager(path, other)).rejects.toMatchObject({ code: 'classifier-network' });
  const named = join(directory, 'named');
  const from = await openFunctasetOf(model, store, { readOnly: true });
  const to = await openFunctasetOf(model, named);
  await to.putMany([...from.iterate({ limit: 2 })].map((fn) => ({ ...fn, label: 'shoe' })));
  await from.close();
  await to.close();
  const judged = evaluateClassifier({ model, engine, classifier: path, functaset: named });
  await expect(judged).rejects.toMatchObject({ code: 'unknown-label' });
  const asked = await eager(path);
  await expect(asked.predict([new Float32Array(3)])).rejects.toMatchObject({ code: 'modulation' });
  asked.dispose();
});
