import { expect, it } from 'vitest';
import { kinds, modelOfKind } from '../../test/kinds.ts';
import { openEngine } from '../engine/index.ts';
import { openSession } from './session.ts';
import { verify } from './verify.ts';

const engine = await openEngine('native', { threads: 1 });
const session = openSession({ model: modelOfKind('map'), engine });
const map = kinds.map.signal(41);

it('says how far a file is from its original, and what is missing on one side alone', async () => {
  const { bytes } = await session.encode(map, { maxError: 0.5 });
  const found = await verify(session, bytes, map, { maxError: 0.5 });
  expect(found).toMatchObject({ shape: map.shape, missing: 9, missingApart: 0, beyond: 0 });
  expect(found.maxError[0]).toBeLessThanOrEqual(0.5);
  expect(found.meanError[0]).toBeLessThan(found.rmse[0]!);
  // One value is another, and one is missing.
  const values = map.values.slice();
  const [far, gone] = [5 * 24 + 20, 2];
  values[far]! += 3;
  values[gone] = Number.NaN;
  const other = await verify(session, bytes, { ...map, values }, { maxError: 0.5 });
  expect(other).toMatchObject({ missing: 9, missingApart: 1, beyond: 1, worst: [5, 20] });
});

it('refuses a signal of another shape', async () => {
  const { bytes } = await session.encode(map);
  const half = { ...map, shape: [6, 24], values: map.values.slice(0, 144) };
  await expect(verify(session, bytes, half)).rejects.toMatchObject({ code: 'bad-shape' });
});
