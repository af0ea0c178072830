import { expect, test, vi } from 'vitest';
import { loadModel } from '../models/models.ts';
import type { Signal } from '../signal/signal.ts';
import { cardsOfValues } from './read.ts';

const [climate, elevation] = await Promise.all(['climate', 'elevation'].map((name) => loadModel(name)));

test('a file is not read for models that take values of any range', async () => {
  const read = vi.fn<() => Promise<Signal>>();
  const both = [climate!, elevation!];
  expect(await cardsOfValues(both, {}, read)).toEqual(both);
  expect(read).not.toHaveBeenCalled();
});
