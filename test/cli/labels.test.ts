/** Labels on the command line are texts: they find the functions whose label prints as they do. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { addCombine } from '../../src/cli/commands/combine.ts';
import { addQuery } from '../../src/cli/commands/query.ts';
import { openEngine } from '../../src/engine/index.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { printed } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const labels = [7, '7', '007', -0, '1e3', 1000, 0.5, 'shoe'] as const;
let place: Workplace;

beforeAll(async () => {
  place = await makeWorkplace();
  const engine = await openEngine();
  const model = await loadModel(place.model);
  await buildFunctaset({ data: 'fixture-fashion', split: 'test', path: place.at('set'), model, engine });
  const store = await openFunctaset(place.at('set'));
  const functions = [...store.iterate()];
  for (const [i, fn] of functions.entries()) await store.put({ ...fn, label: labels[i] }, { replace: true });
  await store.close();
  await engine.close();
});
afterAll(() => place.remove());

it.each([
  ['7', 2],
  ['007', 1],
  ['0', 1],
  ['1e3', 1],
  ['1000', 1],
  ['0.5', 1],
  ['shoe', 1],
  ['"7"', 0],
  ['0.50', 0],
])('--label %s finds %i functions, in query and in combine', async (label, count) => {
  const model = ['--model', place.model];
  const found = await printed([addQuery], ['query', 'where', place.at('set'), '--label', label, ...model]);
  const output = place.at(`mean-${count}-${encodeURIComponent(label)}.functa`);
  const mean = await printed(
    [addCombine],
    ['combine', 'mean', place.at('set'), '--label', label, '-o', output, ...model],
  );
  if (count === 0) {
    expect(found.status).toBe(mean.status);
    expect(found.status).not.toBe(0);
  } else {
    expect(found.json.items).toHaveLength(count);
    expect(mean.status).toBe(0);
  }
});
