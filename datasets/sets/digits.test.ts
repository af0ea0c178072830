import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { openDataset } from '../registry.ts';

/** Clips of a constant: `height` of `length` samples each. */
async function recorded(clips: readonly { speaker: string; length: number; height: number }[]) {
  const directory = temporary();
  let offset = 0;
  const index = clips.map(({ speaker, length }, i) => {
    const clip = { name: `${i}_${speaker}_0.wav`, digit: i, speaker, offset, length };
    offset += length;
    return clip;
  });
  const samples = Int16Array.from(clips.flatMap(({ length, height }) => Array(length).fill(height)));
  await writeFile(join(directory, 'index.json'), JSON.stringify(index));
  await writeFile(join(directory, 'fsdd_i16le_8k.bin.gz'), gzipSync(new Uint8Array(samples.buffer)));
  return directory;
}

test('digits are of one length and loudness: short ones are followed by silence, long ones fade out', async () => {
  const directory = await recorded([
    { speaker: 'george', length: 1000, height: 300 },
    { speaker: 'jackson', length: 9000, height: -20_000 },
    { speaker: 'theo', length: 10, height: 0 },
    { speaker: 'yweweler', length: 10, height: 7 },
  ]);
  const train = await openDataset(`digits:${directory}`, 'train');
  expect([train.length, train.shape, train.labels?.length]).toEqual([2, [5120], 10]);
  const found = new Map<unknown, Float32Array>();
  for (let i = 0; i < train.length; i++) {
    const { label, values, shape, id } = await train.get(i);
    expect([shape, values.length, id]).toEqual([[5120], 5120, train.idAt!(i)]);
    expect(id).toMatch(/^digits\//);
    found.set(label, values);
  }
  const [short, long] = [found.get(0)!, found.get(1)!];
  expect(short[0]).toBeCloseTo(0.08, 6);
  expect(short[999]).toBeCloseTo(0.08, 6);
  expect(short.subarray(1000).every((v) => v === 0)).toBe(true);
  expect(long[4000]).toBeCloseTo(-0.08, 6);
  expect(long[5119]).toBeCloseTo(-0.08 / 320, 6);
  const silent = await (await openDataset(`digits:${directory}`, 'validation')).get(0);
  expect(silent.values.every((v) => v === 0)).toBe(true);
  expect((await openDataset(`digits:${directory}`, 'test')).length).toBe(1);
});

test('an item that is not there is told', async () => {
  const directory = await recorded([{ speaker: 'george', length: 10, height: 1 }]);
  const train = await openDataset(`digits:${directory}`, 'train');
  await expect(async () => train.get(1)).rejects.toMatchObject({ code: 'no-item' });
});
