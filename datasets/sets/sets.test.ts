import { describe, expect, test } from 'vitest';
import { cutBox } from '../../src/signal/box.ts';
import { readBox } from '../crop.ts';
import { listDatasets, openDataset } from '../registry.ts';
import { emojiSplit, halve } from './emoji.ts';
import { shrink } from './photos.ts';

describe('emoji', () => {
  test('variants of one drawing are in one split', () => {
    expect(new Set(['1f3c3', '1f3c3-1f3fb', '1f3c3-200d-2640-fe0f'].map(emojiSplit)).size).toBe(1);
    expect(new Set(['1f468-200d-1f692', '1f469-1f3fb', '1f9d1', '1f491'].map(emojiSplit))).toEqual(
      new Set(['train']),
    );
  });

  test('a half-size drawing weighs colours by their alpha', () => {
    const red = [255, 0, 0, 255];
    const clear = [0, 255, 0, 0];
    expect([...halve(Uint8Array.from([...red, ...clear, ...clear, ...clear]), 2)]).toEqual([255, 0, 0, 64]);
    expect([...halve(Uint8Array.from([...clear, ...clear, ...clear, ...clear]), 2)]).toEqual([0, 0, 0, 0]);
  });
});

test('a photograph shrinks to rounded means of whole squares', () => {
  const bytes = Uint8Array.of(1, 2, 9, 3, 4, 9, 200, 200, 200);
  expect(shrink(bytes, [3, 3], 1, 2)).toEqual({ bytes: Uint8Array.of(3), shape: [1, 1] });
});

/** Fetched sets are checked where they are; nothing is downloaded for a test. */
describe('fetched sets', () => {
  const ready = new Set(listDatasets().flatMap(({ name, state }) => (state === 'ready' ? [name] : [])));

  test.skipIf(!ready.has('cifar10'))('CIFAR-10 has its items, classes and known first labels', async () => {
    const train = await openDataset('cifar10', 'train');
    const validation = await openDataset('cifar10', 'validation');
    const tests = await openDataset('cifar10', 'test');
    expect([train.length, validation.length, tests.length]).toEqual([45_000, 5_000, 10_000]);
    const labels = await Promise.all([0, 1, 2, 3, 4].map(async (i) => (await train.get(i)).label));
    expect(labels.map((label) => train.labels![label as number])).toEqual([
      'frog',
      'truck',
      'truck',
      'deer',
      'automobile',
    ]);
    expect((await tests.get(0)).label).toBe(3);
    // The first pixel of the first training image, as in the original batches.
    expect([...train.bytesAt!(0).subarray(0, 3)]).toEqual([59, 62, 63]);
    expect((await validation.get(0)).id).toBe('cifar10/train/45000');
  });

  test.skipIf(!ready.has('fashion-mnist'))(
    'Fashion-MNIST test images are those of the bundled fixture',
    async () => {
      const tests = await openDataset('fashion-mnist', 'test');
      const fixture = await openDataset('fixture-fashion', 'all');
      for (let i = 0; i < fixture.length; i++) {
        expect(tests.bytesAt!(i)).toEqual(fixture.bytesAt!(i));
        expect((await tests.get(i)).label).toBe((await fixture.get(i)).label);
      }
    },
  );

  test.skipIf(!ready.has('emoji'))(
    'emoji splits share no base code point, and hold every drawing once',
    async () => {
      const bases = new Map<string, string>();
      let count = 0;
      for (const split of ['train', 'validation', 'test'] as const) {
        const data = await openDataset('emoji-32', split);
        count += data.length;
        for (let i = 0; i < data.length; i++) {
          const { id, label } = await data.get(i);
          const base = id.split('/')[1]!.split('-')[0]!;
          expect(bases.get(base) ?? split).toBe(split);
          expect(data.labels![label as number]).toBeDefined();
          bases.set(base, split);
        }
        data.close();
      }
      expect(count).toBe(3786);
    },
  );

  test.skipIf(!ready.has('photos'))('photographs give the same pixels whole and in crops', async () => {
    const photos = await openDataset('photos', 'test');
    const { shape, values } = await photos.get(0);
    const box = { start: [shape[0]! - 7, shape[1]! - 5], count: [7, 5] };
    const target = new Float32Array(7 * 5 * 3);
    await readBox(photos, 0, box, target);
    expect(target).toEqual(cutBox(values, shape, 3, box));
  });
});
