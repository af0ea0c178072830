import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bestOf } from '../../bench/rate/peer.ts';
import { avif, jpeg, webp } from '../../bench/rate/peers-sharp.ts';
import { fromNetpbm, netpbm, openTools, toolKeys } from '../../bench/rate/peers-tools.ts';
import { readPictures } from '../../bench/rate/pictures.ts';
import { directoryStore } from '../../bench/rate/result-store.ts';
import { psnrDb } from '../../src/core/units.ts';
import { errorOf, type Picture } from '../../src/jobs/peer-codecs.ts';

let directory: string;
let rgb: Picture;
let grey: Picture;
let rgba: Picture;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'functa-peers-'));
  const first = async (dataset: string, alpha = false) =>
    (await readPictures({ dataset, split: 'train', limit: 1, alpha })).pictures[0]!;
  [rgb, grey, rgba] = [
    await first('fixture-emoji'),
    await first('fixture-fashion'),
    await first('fixture-emoji', true),
  ];
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test.each([jpeg, webp, avif])(
  '$name: every variant codes pictures of the channels that it says, better at higher settings',
  async (peer) => {
    for (const variant of peer.variants) {
      for (const picture of [grey, rgb, rgba].filter(({ channels }) => variant.channels.includes(channels))) {
        const found: number[] = [];
        for (const setting of [10, 90]) {
          const file = await variant.encode(picture, setting);
          found.push(psnrDb(errorOf(picture, (await variant.decode(file.bytes, picture)).bytes)));
        }
        expect(found[0]!).toBeGreaterThan(8);
        expect(found[1]!).toBeGreaterThan(found[0]!);
      }
    }
  },
  60_000,
);

test('tools that are here code colour and grey; of the others the reader learns how to install them', async () => {
  const { peers, close } = await openTools(toolKeys);
  try {
    expect(peers.map(({ key }) => key)).toEqual([...toolKeys]);
    for (const peer of peers) {
      if ('absent' in peer) {
        expect(peer.absent).toMatch(/apt-get install \S+/);
        continue;
      }
      expect(peer.codec.version).toMatch(/\d+\.\d+/);
      for (const variant of peer.codec.variants) {
        for (const picture of [rgb, grey]) {
          const setting = variant.settings[Math.floor(variant.settings.length / 2)]!;
          const file = await variant.encode(picture, setting);
          const decoded = await variant.decode(file.bytes, picture);
          expect(psnrDb(errorOf(picture, decoded.bytes))).toBeGreaterThan(15);
        }
      }
    }
  } finally {
    await close();
  }
}, 60_000);

test('a tool that is not here is left out with the line that installs it', async () => {
  const path = process.env.PATH;
  process.env.PATH = directory;
  try {
    const { peers, close } = await openTools(['jxl']);
    await close();
    expect(peers).toEqual([{ key: 'jxl', absent: expect.stringContaining('apt-get install libjxl-tools') }]);
  } finally {
    process.env.PATH = path;
  }
});

test('netpbm files are read back, with a comment in the header too; one cut short gives no samples', () => {
  for (const picture of [rgb, grey]) expect([...fromNetpbm(netpbm(picture))]).toEqual([...picture.bytes]);
  const commented = Buffer.concat([
    Buffer.from('P5\n# a comment\n2 1\n# another\n255\n'),
    Buffer.from([7, 35]),
  ]);
  expect([...fromNetpbm(commented)]).toEqual([7, 35]);
  expect(fromNetpbm(Buffer.from('P5 2')).length).toBe(0);
});

test('of variants the one with fewer bits at that PSNR counts, also between its points', () => {
  const at = (...pairs: [number, number][]) =>
    pairs.map(([bitsPerPixel, psnrDb]) => ({ setting: '', bitsPerPixel, psnrDb }));
  const kept = bestOf([at([1, 20], [4, 30]), at([2.9, 24], [3.2, 28], [9, 40])]);
  expect(kept.map(({ bitsPerPixel }) => bitsPerPixel)).toEqual([1, 9]);
  expect(bestOf([at([1, 20], [4, 30]), at([3, 29])]).map(({ bitsPerPixel }) => bitsPerPixel)).toEqual([
    1, 3, 4,
  ]);
});

test('a result is made once and kept', async () => {
  const store = directoryStore(join(directory, 'kept'));
  let made = 0;
  const make = async () => ({ made: ++made });
  expect(await store.get(['a', 'b'], make)).toEqual({ made: 1 });
  expect(await store.get(['a', 'b'], make)).toEqual({ made: 1 });
  expect(await store.get(['a', 'c'], make)).toEqual({ made: 2 });
  expect(await directoryStore(join(directory, 'kept')).get(['a', 'b'], make)).toEqual({ made: 1 });
});
