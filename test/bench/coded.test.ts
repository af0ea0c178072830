import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeAll } from '../../bench/rate/coded.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { type Encoded, openSession, type Session } from '../../src/session/index.ts';
import { kinds, modelOfKind } from '../kinds.ts';

const signals = Array.from({ length: 8 }, (_, i) => kinds.picture.signal(30 + i));
let engine: Engine;
let session: Session;
let items: readonly Encoded[];

beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  session = openSession({ model: modelOfKind('picture'), engine });
  ({ items } = await session.encodeMany(signals, { quality: 40, effort: 1 }));
});
afterAll(() => engine.close());

test('coloured pictures decode to the error that their encoder measured output by output', async () => {
  expect(await decodeAll(session, items, { signals })).toBeGreaterThan(0);
});

test('a file that decodes to other values is a fault', async () => {
  const wrong = { bytes: items[1]!.bytes, mse: items[0]!.mse };
  await expect(decodeAll(session, [wrong], { signals })).rejects.toThrow(
    'picture-30 decodes to other values',
  );
});
