import { expect, test } from 'vitest';
import { type PeerCodec, peerCurves, type Variant } from '../../bench/rate/peer.ts';
import type { Pictures } from '../../bench/rate/pictures.ts';
import { noStore } from '../../bench/rate/result-store.ts';
import type { Picture } from '../../src/jobs/peer-codecs.ts';

const picture: Picture = { bytes: new Uint8Array(64).fill(100), width: 8, height: 8, channels: 1 };
const pictures: Pictures = { signals: [], pictures: [picture, picture], digest: '' };

/** Setting s gives an error of 40 - s in every sample, and a file of `base` + s bytes; a flat picture takes `base`. */
function variant(label: string, base: number, tried: Set<number>): Variant {
  return {
    label,
    channels: [1],
    settings: Array.from({ length: 40 }, (_, i) => i),
    async encode({ bytes }, setting) {
      const flat = bytes.every((v) => v === 128);
      if (!flat) tried.add(setting);
      const file = new Uint8Array(base + (flat ? 0 : setting));
      file[0] = setting;
      return { bytes: file, ms: setting };
    },
    async decode(file, { bytes }) {
      return { bytes: bytes.map((v) => v + 40 - file[0]!), ms: 1 };
    },
  };
}

const psnrDb = (setting: number) => 20 * Math.log10(255 / (40 - setting));

test('a sweep measures settings that cover the range with an end beyond it, and not all there are', async () => {
  const tried = new Set<number>();
  const peer: PeerCodec = { key: 'x', name: 'X', version: '1', variants: [variant('', 10, tried)] };
  const [file, payload] = await peerCurves(peer, pictures, { fromDb: 22, toDb: 30, store: noStore });
  const found = file!.points;
  expect(found[0]!.psnrDb).toBeLessThanOrEqual(22);
  expect(found.at(-1)!.psnrDb).toBeGreaterThanOrEqual(30);
  expect(found.length).toBeGreaterThan(5);
  expect(found.length).toBeLessThan(14);
  expect(tried.size).toBeLessThan(24);
  for (const [i, point] of found.entries()) {
    const setting = Number(point.setting);
    expect(point.psnrDb).toBeCloseTo(psnrDb(setting), 9);
    expect(point.bitsPerPixel).toBe((8 * (10 + setting)) / 64);
    expect(point.encodeMs).toBe(setting);
    expect(payload!.points[i]!.bitsPerPixel).toBe((8 * setting) / 64);
  }
});

test('a range beyond what a format does is met as far as it goes', async () => {
  const peer: PeerCodec = { key: 'x', name: 'X', version: '1', variants: [variant('', 10, new Set())] };
  const [file] = await peerCurves(peer, pictures, { fromDb: 5, toDb: 90, store: noStore });
  expect(file!.points[0]!.psnrDb).toBeCloseTo(psnrDb(0), 9);
  expect(file!.points.at(-1)!.psnrDb).toBeCloseTo(psnrDb(39), 9);
});

test('a format that cannot hold the pictures has no curve', async () => {
  const colour = { ...variant('', 10, new Set()), channels: [3] };
  const peer: PeerCodec = { key: 'x', name: 'X', version: '1', variants: [colour] };
  expect(await peerCurves(peer, pictures, { fromDb: 22, toDb: 30, store: noStore })).toEqual([]);
});

test('the cheaper of two variants makes the curve', async () => {
  const variants = [variant('dear', 30, new Set()), variant('cheap', 10, new Set())];
  const peer: PeerCodec = { key: 'x', name: 'X', version: '1', variants };
  const [file] = await peerCurves(peer, pictures, { fromDb: 22, toDb: 30, store: noStore });
  expect(file!.points.every(({ setting }) => setting.startsWith('cheap'))).toBe(true);
});
