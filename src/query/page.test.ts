import { expect, test } from 'vitest';
import { type NearCandidate, pageByBounds, type Walk } from './walk.ts';

const nameOf = (row: number) => `f${String(row).padStart(3, '0')}`;

/** Functions at distances 0, 1, 2, ..., of which an index knows each but for `open`. */
function walkOf(k: number, open: number, count = 300): Walk {
  const all = Array.from({ length: count }, (_, row): NearCandidate => {
    return { row, id: nameOf(row), least: Math.max(0, row - open), most: row + open };
  });
  async function* candidates() {
    yield all;
  }
  const compare = async (some: readonly NearCandidate[]) =>
    some.map(({ row, id }) => ({ id, label: undefined, distance: row }));
  return { candidates: candidates(), compare, k, within: Number.POSITIVE_INFINITY };
}

test.each([
  [10, 0.1, 16],
  [10, 8, 32],
  [3, 0.1, 16],
  [40, 0.1, 41],
  [100, 0.1, 128],
])('a page of %i, distances known but for %f, compares %i functions of 300', async (k, open, most) => {
  const { found, compared, next } = await pageByBounds(walkOf(k, open), undefined);
  expect(found.map(({ id }) => id)).toEqual(Array.from({ length: k }, (_, row) => nameOf(row)));
  expect(next?.after?.id).toBe(nameOf(k - 1));
  expect(compared).toBeLessThanOrEqual(most);
});
