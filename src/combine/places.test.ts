import { afterAll, expect, it } from 'vitest';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import { openEngine } from '../engine/index.ts';
import type { About } from '../field/about.ts';
import type { Axis } from '../field/outputs.ts';
import { openFunctions } from '../session/functions.ts';
import { functionOfFile } from '../session/put.ts';
import { openSession } from '../session/session.ts';
import { codeTerms, decodeTerms, differenceOf, meanOf, pathBetween, type Term } from './index.ts';

const model = modelOfKind('map');
const engine = await openEngine('native', { threads: 1 });
afterAll(() => engine.close());
const session = openSession({ model, engine });
const region: Axis[] = [
  { name: 'lat', unit: 'degrees_north', start: 60, step: -0.5, weight: 'cosine' },
  { name: 'lon', unit: 'degrees_east', start: 5, step: 0.5 },
];

const about = { attributes: [{ long_name: 'of the air' }], file: { title: 'made up' } };

function coded(i: number, axes: readonly Axis[], said: About = about) {
  return session.encode({ ...kinds.map.signal(i), axes, about: said }, { prior: 'factorized' });
}

async function termOf(i: number, axes: readonly Axis[]): Promise<Term> {
  const { bytes } = await coded(i, axes);
  const [fn] = await openFunctions(session, [functionOfFile(model, bytes, { id: String(i) })]);
  return fn as Term;
}

it('what is made of functions that stand at the same places stands there; of others where the model says', async () => {
  const [a, b] = [await termOf(50, region), await termOf(51, region)];
  const [mean] = await decodeTerms(session, [meanOf([a, b])]);
  expect(mean!.axes).toEqual(region);
  expect(mean!.about).toEqual(about);
  const between = await session.decode(await codeTerms(session, [pathBetween(a, b, 3)[1]!]));
  expect(between.axes).toEqual(region);
  const elsewhere = await termOf(52, kinds.map.axes);
  const [mixed] = await decodeTerms(session, [meanOf([a, elsewhere])]);
  expect(mixed!.axes).toEqual(kinds.map.axes);
});

it('functions of a session, put together, say what all of them say, but for how numbers were stored', async () => {
  const stored = { type: 'i2', slope: 0.5, intercept: 280 } as const;
  const [a, b] = await Promise.all(
    [50, 51].map(async (i) => session.open((await coded(i, region, { ...about, stored })).bytes)),
  );
  expect((await a!.decode()).about!.stored).toEqual(stored);
  const mean = session.func(meanOf([a!, b!]));
  for (const found of [
    await mean.decode(),
    await session.decode(await mean.toBytes()),
    (await decodeTerms(session, [meanOf([a!, b!])]))[0]!,
    await session.decode(await codeTerms(session, [pathBetween(a!, b!, 3)[1]!])),
    await session.func(differenceOf(mean, a!)).decode(),
  ]) {
    expect(found.axes).toEqual(region);
    expect(found.about).toEqual(about);
  }
  const other = await session.open(
    (await coded(52, kinds.map.axes, { ...about, file: { title: 'another' } })).bytes,
  );
  const mixed = await session.func(meanOf([a!, other])).decode();
  expect(mixed.axes).toEqual(kinds.map.axes);
  expect(mixed.about).toBeUndefined();
});
