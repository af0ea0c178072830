import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureOrder } from '../../bench/rate/order.ts';
import { drawn } from '../../bench/rate/order-pictures.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/session.ts';
import type { Session } from '../../src/session/types.ts';
import type { Signal } from '../../src/signal/signal.ts';

const root = join(import.meta.dirname, '../..');
let engine: Engine;
let cifar10: Session;
let photosLow: Session;

const open = async (name: string) =>
  openSession({ model: await loadModel(join(root, 'models', name, 'model.safetensors')), engine });

function filled(height: number, width: number, of: (y: number, x: number, c: number) => number): Signal {
  const values = new Float32Array(height * width * 3);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++, i++) values[i] = (of(y, x, c) & 255) / 255;
  return { id: `${height}x${width}`, shape: [height, width], channels: 3, values };
}

beforeAll(async () => {
  engine = await openEngine();
  [cifar10, photosLow] = [await open('cifar10'), await open('photos-low')];
}, 60_000);
afterAll(() => engine.close());

describe('more is never worse', () => {
  it('for pictures of a few points, at qualities close together and efforts 1 to 3', async () => {
    const signals = drawn(30, 3).filter(({ shape }) => shape[0]! * shape[1]! <= 64);
    const coderOf = (signal: Signal) => ({
      encode: (quality: number, effort: number) => cifar10.encode(signal, { quality, effort }),
    });
    const order = await measureOrder(coderOf, signals, { efforts: [1, 2, 3], strideOf: () => 14 });
    expect(order.disorders).toEqual([]);
    expect(order.compared).toBeGreaterThan(200);
  }, 300_000);

  it('for a smooth picture, whose few symbols round badly together', async () => {
    const smooth = drawn(7, 3)[6]!;
    expect(smooth.shape).toEqual([13, 29]);
    const coderOf = (signal: Signal) => ({
      encode: (quality: number, effort: number) => cifar10.encode(signal, { quality, effort }),
    });
    const order = await measureOrder(coderOf, [smooth], { efforts: [1, 2], strideOf: () => 3 });
    expect(order.disorders).toEqual([]);
  }, 120_000);

  it('white is exact in a few bytes at any quality and effort', async () => {
    const white = filled(32, 32, () => 255);
    for (const quality of [1, 20, 50, 85, 100]) {
      for (const effort of [1, 2]) {
        const { bytes, mse } = await cifar10.encode(white, { quality, effort });
        expect([mse, bytes.length <= 16], `quality ${quality}, effort ${effort}`).toEqual([0, true]);
      }
    }
  }, 120_000);

  it('a drawing at quality 95 takes less than its samples, and at 100 is exact', async () => {
    const path = join(root, 'test/fixtures/datasets/emoji/1f33d.png');
    const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const shape = [info.height, info.width];
    const values = Float32Array.from(data, (byte) => byte / 255);
    const signal = { id: '1f33d', shape, channels: 3, values };
    const fine = await cifar10.encode(signal, { quality: 95, effort: 2 });
    expect(fine.bytes.length).toBeLessThan(4452);
    expect(fine.psnrDb).toBeGreaterThan(45);
    expect((await cifar10.encode(signal, { quality: 100 })).mse).toBe(0);
    expect((await cifar10.decode(fine.bytes)).values.length).toBe(values.length);
  }, 120_000);

  it('a slope by a network that changes with quality takes no more bytes at quality 1 than at 20', async () => {
    const slope = filled(128, 192, (y, x, c) => [x, 2 * y, x + y][c]!);
    const [low, high] = [
      await photosLow.encode(slope, { quality: 1 }),
      await photosLow.encode(slope, { quality: 20 }),
    ];
    expect(low.bytes.length).toBeLessThanOrEqual(high.bytes.length);
    expect(low.bytes.length).toBeLessThan(100);
  }, 120_000);

  it('tiny pictures come back right', async () => {
    for (const [height, width] of [
      [2, 2],
      [1, 7],
      [2, 17],
    ] as const) {
      const signal = filled(height, width, (y, x, c) => 40 * y + 13 * x + 70 * c);
      const { bytes, mse } = await cifar10.encode(signal, { quality: 100 });
      expect(mse).toBe(0);
      const { shape, values } = await cifar10.decode(bytes);
      expect([shape, values]).toEqual([[height, width], signal.values]);
      expect(bytes.length).toBeLessThanOrEqual(signal.values.length + 16);
      const larger = await cifar10.decode(bytes, { size: '3x' });
      expect(larger.shape).toEqual([3 * height, 3 * width]);
      const whole = await cifar10.decode(bytes, { size: '3x', raw: true });
      const cut = await cifar10.decode(bytes, { size: '3x', raw: true, region: '1,1,3,2' });
      expect(cut.values[0]).toBe(whole.values[(3 * width + 1) * 3]);
    }
  }, 120_000);

  it('a black picture reaches 60 dB, at any effort', async () => {
    const black = filled(32, 32, () => 0);
    for (const effort of [1, 3]) {
      const { psnrDb, bytes } = await cifar10.encode(black, { target: { psnrDb: 60 }, effort });
      expect(psnrDb).toBeGreaterThanOrEqual(60);
      expect(bytes.length).toBeLessThan(40);
    }
  }, 120_000);
});
