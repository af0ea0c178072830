import { expect, it } from 'vitest';
import { Catalogue } from '../../server/catalogue.ts';
import type { Pool } from '../../server/work/pool.ts';

it('the models are looked at once a second, however often they are asked for, and at once when one was replaced', async () => {
  let clock = 0;
  const asked: string[] = [];
  const ask = async (verb: string) => {
    asked.push(verb);
    return { head: verb === 'stampOfModel' ? 'stamp' : { id: 'id', stamp: 'stamp' } };
  };
  const entry = { name: 'tiny', path: '/tiny.safetensors', fileBytes: 1 };
  const catalogue = await Catalogue.open({ ask } as unknown as Pool, [entry], [], () => clock);
  expect(asked).toEqual(['describeModel']);
  for (; clock < 1000; clock += 10) await catalogue.refreshOld();
  expect(asked).toHaveLength(1);
  await catalogue.refreshOld();
  expect(asked).toEqual(['describeModel', 'stampOfModel']);
  await catalogue.refresh();
  expect(asked).toHaveLength(3);
});
