import { expect, test } from 'vitest';
import type { Catalogue } from './catalogue.ts';
import { followShared } from './follow.ts';
import type { Pool } from './work/pool.ts';
import type { SharedFunctaset } from './writer/shared.ts';
import type { Writer } from './writer/writer.ts';

const one = (name: string, uuid = name): SharedFunctaset => ({
  name,
  uuid,
  path: `/+/${name}`,
  namespace: undefined,
});

test('of a list that changed only what is new, other or gone is looked at; what could not be read is tried again', async () => {
  let changed: (all: readonly SharedFunctaset[]) => void = () => undefined;
  const did: string[] = [];
  const broken = new Set(['c']);
  const writer = {
    follow: async (told: typeof changed) => {
      changed = told;
      return [one('a'), one('b')];
    },
  } as unknown as Writer;
  const catalogue = {
    addFunctaset: async ({ name }: SharedFunctaset) => {
      did.push(`add ${name}`);
      if (broken.has(name)) throw new Error('it cannot be read');
    },
    removeFunctaset: (path: string) => did.push(`remove ${path}`),
  } as unknown as Catalogue;
  const followed = followShared({ forget: () => undefined } as unknown as Pool, writer);
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
  expect(await followed.all).toHaveLength(2);
  followed.into(catalogue);
  await settled();
  expect(did).toEqual([]);
  changed([one('a'), one('b'), one('c')]);
  changed([one('a'), one('b', 'another'), one('c')]);
  await settled();
  expect(did.splice(0)).toEqual(['add c', 'add b', 'add c']);
  broken.clear();
  changed([one('a'), one('c')]);
  changed([one('a'), one('c')]);
  await settled();
  expect(did).toEqual(['remove /+/b', 'add c']);
});
