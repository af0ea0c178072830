/** Programs in JavaScript: every verb of the door, with wrong types in place of each argument and each of its members. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import * as door from '../index.ts';

type Verb = (...values: unknown[]) => unknown;

const directory = mkdtempSync(join(tmpdir(), 'functa-arguments-'));
/** Wrong almost everywhere; where one of them is right, the verb does what it does. Texts are names in the scratch directory: a store of any name is made. */
const text = `${directory}/x`;
const wrong = [undefined, null, 7, text, true, {}, [], [text], () => 1, new Date(0)] as const;
const engine = await door.openEngine(undefined, { threads: 1 });
const model = modelOfKind('picture');
const session = door.openSession({ model, engine });
const signal = kinds.picture.signal(0);
const recipe = door.presetRecipe('fashion-mnist');
const { bytes } = await session.encode(signal);
const fn = await session.open(bytes);
const set = await door.createFunctaset(`${directory}/set`, { model, engine });
await set.add(signal);
const observation = door.observeMasked(signal);
const none = `${directory}/none`;
const table = { shape: [1, 5], data: [1, 1, 0, 0, 0] };
const rows = () => door.signalRows(signal);
const coding = { quality: 50, effort: 1, prior: 'factorized', steps: 'asked' };

beforeAll(() => set.verify());
afterAll(async () => {
  await set.close();
  await engine.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Right arguments, of which one at a time is made wrong; jobs get something that ends them at once. */
const verbs: Readonly<Record<string, readonly unknown[]>> = {
  adaptPrior: [
    { engine, modelPath: none, data: 'nothing', out: `${none}.prior`, quality: 50, effort: 1, steps: 1 },
  ],
  backupFunctaset: [none, `${none}.backup`, { replace: true }],
  bitsPerPoint: [1, 2],
  boxOf: ['x=1:2', [3, 4], {}],
  bundledModels: [],
  buildFunctaset: [{ data: 'nothing', path: none, model, engine, limit: 1, ...coding }],
  checkRecipe: [recipe],
  classify: [[fn], { model, engine, classifier: none, top: 1 }],
  codeTerms: [session, [fn], { quality: 50, prior: 'factorized' }],
  collectRows: [rows()],
  compactFunctaset: [none, {}],
  complete: [session, observation, { prior: 'gaussian', draws: 1, seed: 1, noise: 0.1, size: '1x' }],
  contactSheet: [[signal], { columns: 1 }],
  createFunctaset: [`${directory}/set`, { model, engine }],
  datasetOf: [[signal], { name: 'mine', labels: ['a'], outputs: kinds.picture.outputs }],
  decodeTerms: [session, [fn], { size: '1x', region: 'x=0:1', raw: true }],
  describePriors: [model],
  differenceOf: [fn, fn],
  distilPrior: [{ modelPath: none, to: [1, 2], guidance: 2, paths: 16, steps: 1, out: none }],
  evaluate: [{ model, engine, data: 'nothing', qualities: [50], peers: ['webp'], effort: 1 }],
  evaluateClassifier: [{ model, engine, classifier: none, functaset: none, limit: 1 }],
  exportModulations: [session, set.store, { format: 'npy' }],
  fetchDataset: ['nothing', {}],
  findModelOf: [bytes, { directories: [directory] }],
  fitCoin: [signal, { engine, iterations: 1, bits: 16, size: { layers: 1, width: 2 }, seed: 1 }],
  functionsOfSafetensors: [model, bytes, { id: 'a', quality: 50, label: 'b', shape: [16, 16] }],
  inspect: [bytes, model, door.defaultLimits],
  spentOn: [bytes, model, {}],
  listDatasets: [{ cacheDir: directory }],
  listEngines: [{ names: ['wasm'], rounds: 1, threads: 1 }],
  listModels: [[directory]],
  loadModel: [none, { directories: [directory] }],
  maskOf: [{ shape: [2], values: [0, 1] }],
  meanOf: [[fn], [1]],
  meanPsnrOfItems: [[1], 1],
  mse: [[1], [2], [1]],
  npyChunks: [rows()],
  observeCoarse: [[16, 16], signal],
  observeMasked: [signal, { shape: [16, 16], observed: new Uint8Array(256).fill(1) }],
  observePoints: [[16, 16], 3, table],
  openDataset: ['fixture-fashion', 'test', { cacheDir: directory }],
  openEngine: ['reference', { threads: 1, blocking: true }],
  openFunctaset: [none, { model, engine, readOnly: true }],
  openSession: [{ model, engine, limits: door.defaultLimits }],
  ownSizeFor: [[4, 4], 1],
  packFunctaset: [model, none, {}],
  parseSize: ['4x'],
  pathBetween: [fn, fn, 2],
  pathSpaceOf: [model, 'metric'],
  pngChunks: [rows()],
  presetRecipe: ['fashion-mnist'],
  psnrDb: [1, 1],
  psnrOfMeanMse: [[1], 1],
  readImage: [bytes, { channels: 3 }],
  readModel: [bytes, door.defaultLimits],
  readNpy: [bytes, door.defaultLimits],
  readSignal: [bytes, { for: model, id: 'a', told: 'a.png' }],
  recipeNames: [],
  restoreFunctaset: [none, `${none}.again`, {}],
  setSampling: [{ modelPath: none, guidance: 2, steps: 8 }],
  shapeOfData: ['nothing', 'all', {}],
  signalChunks: [rows(), 'npy'],
  signalFromNpy: [bytes, { id: 'a', axes: 2 }],
  signalRows: [signal],
  signalToNpy: [signal],
  systemRecipe: ['functa', { shape: [16, 16], outputs: 3, uniform: true }, { latent: 4 }],
  trainClassifier: [{ model, engine, functaset: none, out: none, probe: 'linear', limit: 1 }],
  trainEncoder: [{ engine, modelPath: none, data: 'nothing', limit: 1, out: `${none}.encoder` }],
  trainModel: [{ engine, recipe, data: 'nothing', out: none, limit: 1 }],
  trainPrior: [{ engine, modelPath: none, functaset: none, limit: 1, kinds: ['flow'] }],
  unpackFunctaset: [model, { archive: bytes }, none, {}],
  upgradeFunctaset: [none, {}],
  verify: [session, bytes, signal, { maxError: 1 }],
  w0For: [[4, 4]],
  weightedSum: [[fn], [1]],
  withLimits: [{ maxAxis: 4 }],
  withOverrides: [recipe, { steps: 4 }],
  withSteps: [recipe, 400],
  writeImage: [signal, 'png', {}],
  writeModel: [model, door.defaultLimits],
  writeNpy: [{ dtype: 'F32', shape: [1], data: new Float32Array(1) }],
};

/** What undefined, a number and an empty object are right for: every engine is opened, or the first that opens, with so many threads. */
const opening = ['listEngines', 'openEngine'];
const plainlyWrong = [null, text, true, [text], () => 1];

const methods: Readonly<Record<string, readonly [object, readonly unknown[]]>> = {
  encode: [session, [signal, { ...coding, target: { psnrDb: 20 } }]],
  encodeMany: [session, [[signal], { ...coding, batch: 1, archive: false }]],
  open: [session, [bytes, { item: 0, id: 'a' }]],
  openEach: [session, [bytes, {}]],
  func: [session, [{ modulation: fn.modulation, shape: [16, 16], quality: 50, id: 'a' }]],
  decode: [session, [bytes, { item: 0, size: '1x', region: 'x=0:2', raw: false }]],
  decodeRows: [session, [bytes, { item: 0, size: '1x' }]],
  decodeMany: [session, [bytes, { size: '1x' }]],
  decodeEach: [session, [bytes, { size: '1x' }]],
  sample: [session, [{ count: 1, seed: 1, prior: 'factorized', quality: 50, shape: [16, 16], size: '1x' }]],
  inspect: [session, [bytes]],
  evaluate: [fn, [[1, 1]]],
  derivative: [fn, [[1, 1]]],
  'decode of a function': [fn, [{ size: '1x', region: 'x=0:2', raw: true }]],
  rows: [fn, [{ size: '1x' }]],
  toBytes: [fn, [{ quality: 50, prior: 'factorized' }]],
  add: [set, [signal, { ...coding, replace: true }]],
  put: [set, [{ id: 'a', bytes }, { replace: true }]],
  get: [set, [signal.id]],
  functions: [set, [{ label: 'a' }]],
  near: [set, [signal.id, { k: 1, metric: 'values' }]],
  query: [set, [{ kind: 'where', limit: 1 }]],
  ask: [set, [{ kind: 'where', limit: 1 }]],
  delete: [set, ['nobody']],
};

it('the table has every verb of the door', () => {
  const exported = Object.entries(door)
    .filter(([, value]) => typeof value === 'function' && !/^class /.test(String(value)))
    .map(([name]) => name);
  expect(Object.keys(verbs).sort()).toEqual(exported.sort());
});

it.each(Object.entries(verbs))('%s refuses wrong types by a FunctaError', async (name, right) => {
  const values = opening.includes(name) ? plainlyWrong : wrong;
  expect(await strayErrors(name, (door as unknown as Record<string, Verb>)[name]!, right, values)).toEqual(
    [],
  );
});

it.each(Object.entries(methods))(
  '%s of an object refuses wrong types by a FunctaError',
  async (name, [of, right]) => {
    const verb = (of as Record<string, Verb>)[name.split(' ')[0]!]!;
    expect(await strayErrors(name, (...values) => verb.apply(of, values), right)).toEqual([]);
  },
);

it('what a program is likely to mistake is told in one line', async () => {
  const dataset = await door.openDataset('fixture-fashion', 'test');
  const loose = { set, session } as unknown as Record<string, Record<string, Verb>>;
  const told = (promise: unknown) => Promise.resolve(promise).then(String, (error: Error) => error.message);
  expect(await told(loose.set!.near!(fn))).toMatch(/^near: to is the id of a function or a signal, not /);
  expect(await told(loose.set!.add!(dataset))).toMatch(/^add: signals is a signal, or some of them, not /);
  expect(await told(loose.session!.decode!(bytes, { size: [32, 32] }))).toBe(
    'decode: options.size is a text such as 4x, 640x480 or 44100/s, { factor }, { shape } or { rate, unit }, not a list',
  );
  expect(await told(loose.session!.encode!(signal, { quality: '60' }))).toBe(
    'encode: options.quality is a number, not a text',
  );
});

/** Errors without a code that come of wrong values, each with the place of the value. */
async function strayErrors(
  name: string,
  verb: Verb,
  right: readonly unknown[],
  wrongs: readonly unknown[] = wrong,
): Promise<string[]> {
  const stray: string[] = [];
  for (const [place, values] of calls(right, wrongs)) {
    try {
      const answer = await verb(...values);
      const walked = (answer ?? {}) as AsyncIterable<unknown> & Iterable<unknown>;
      if (walked[Symbol.asyncIterator] !== undefined) for await (const _ of walked) break;
      else if (name === 'decodeEach') for (const _ of walked) break;
    } catch (error) {
      if (!(error instanceof door.FunctaError)) stray.push(`${place}: ${String(error).slice(0, 90)}`);
    }
  }
  return stray;
}

function* calls(
  right: readonly unknown[],
  wrongs: readonly unknown[],
): Generator<readonly [string, readonly unknown[]]> {
  for (const [i, argument] of right.entries()) {
    const put = (value: unknown) => right.map((own, k) => (k === i ? value : own));
    for (const value of wrongs) yield [`argument ${i} = ${said(value)}`, put(value)];
    if (Object.getPrototypeOf(argument ?? 0) !== Object.prototype) continue;
    for (const member of Object.keys(argument as object))
      for (const value of wrongs)
        yield [
          `argument ${i}, ${member} = ${said(value)}`,
          put({ ...(argument as object), [member]: value }),
        ];
  }
}

function said(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
