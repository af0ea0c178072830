import { afterAll, expect, it } from 'vitest';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import { openEngine } from '../engine/index.ts';
import type { Axis } from '../field/outputs.ts';
import { openFunctions } from '../session/functions.ts';
import { functionOfFile } from '../session/put.ts';
import { openSession } from '../session/session.ts';
import { codeTerms, decodeTerms, meanOf, pathBetween, type Term } from './index.ts';

const model = modelOfKind('map');
const engine = await openEngine('native', { threads: 1 });
afterAll(() => engine.close());
const session = openSession({ model, engine });
const region: Axis[] = [
  { name: 'lat', unit: 'degrees_north', start: 60, step: -0.5, weight: 'cosine' },
  { name: 'lon', unit: 'degrees_east', start: 5, step: 0.5 },
];

async function termOf(i: number, axes: readonly Axis[]): Promise<Term> {
  const { bytes } = await session.encode({ ...kinds.map.signal(i), axes }, { prior: 'factorized' });
  const [fn] = await openFunctions(session, [functionOfFile(model, bytes, { id: String(i) })]);
  return fn as Term;
}

it('what is made of functions that stand at the same places stands there; of others where the model says', async () => {
  const [a, b] = [await termOf(50, region), await termOf(51, region)];
  const [mean] = await decodeTerms(session, [meanOf([a, b])]);
  expect(mean!.axes).toEqual(region);
  const between = await session.decode(await codeTerms(session, [pathBetween(a, b, 3)[1]!]));
  expect(between.axes).toEqual(region);
  const elsewhere = await termOf(52, kinds.map.axes);
  const [mixed] = await decodeTerms(session, [meanOf([a, elsewhere])]);
  expect(mixed!.axes).toEqual(kinds.map.axes);
});
