import { describe, expect, it } from 'vitest';
import { encodeTo } from './target.ts';
import type { Encoded } from './types.ts';

const isOrdered = false;

/** An encoder whose results are known; `calls` counts encodings by effort. */
function encoderOf(resultAt: (quality: number, effort: number) => { psnrDb: number; fileBytes: number }) {
  const calls = new Map<number, number>();
  const encode = async (quality: number, effort: number) => {
    calls.set(effort, (calls.get(effort) ?? 0) + 1);
    const { psnrDb, fileBytes } = resultAt(quality, effort);
    return { psnrDb, bytes: new Uint8Array(fileBytes), quality } as Encoded;
  };
  return { calls, encode };
}

describe('a target', () => {
  it('is met by the one quality that meets it, whichever that is', async () => {
    for (let only = 1; only <= 100; only++) {
      for (const effort of [1, 5]) {
        const { encode } = encoderOf((quality) =>
          quality === only ? { psnrDb: 60, fileBytes: 30 } : { psnrDb: 20, fileBytes: 90 },
        );
        expect((await encodeTo({ psnrDb: 50 }, { effort, isOrdered }, encode)).quality).toBe(only);
        expect((await encodeTo({ fileBytes: 40 }, { effort, isOrdered }, encode)).quality).toBe(only);
      }
    }
  });

  it('that effort 1 never meets is met at the effort asked for, in few encodings of it', async () => {
    const { calls, encode } = encoderOf((quality, effort) => ({
      psnrDb: quality / 4 + 5 * Number(effort > 1),
      fileBytes: 10 + quality - 6 * Number(effort > 1),
    }));
    expect((await encodeTo({ psnrDb: 28 }, { effort: 5, isOrdered }, encode)).psnrDb).toBeGreaterThanOrEqual(
      28,
    );
    expect(
      (await encodeTo({ fileBytes: 7 }, { effort: 5, isOrdered }, encode)).bytes.length,
    ).toBeLessThanOrEqual(7);
    expect(calls.get(5)).toBeLessThanOrEqual(6);
  });

  it('is met no worse than by effort 1, whatever is tried beyond', async () => {
    const { encode } = encoderOf((quality, effort) => ({
      psnrDb: 10 + quality / 4,
      fileBytes: 10 * quality + 200 * Number(effort > 1),
    }));
    for (const [effort, lowest] of [
      [1, 27.5],
      [5, 27.5],
    ] as const) {
      const found = await encodeTo({ fileBytes: 700 }, { effort, isOrdered: true }, encode);
      expect(found.bytes.length).toBeLessThanOrEqual(700);
      expect(found.psnrDb).toBeGreaterThanOrEqual(lowest);
      const cheap = await encodeTo({ psnrDb: 27.5 }, { effort, isOrdered: true }, encode);
      expect(cheap.bytes.length).toBeLessThanOrEqual(700);
    }
  });

  it('is met by the last quality that is needed up to effort 3, and in three encodings beyond', async () => {
    for (const effort of [1, 2, 3, 5]) {
      for (let wanted = 3; wanted < 25; wanted += 1.7) {
        // Effort 1 says little of the others.
        const { calls, encode } = encoderOf((quality, own) => ({
          psnrDb: quality / 4 + (own > 1 ? 5 + Math.sin(quality) / 9 : 0),
          fileBytes: 10 + quality,
        }));
        const reached = await encodeTo({ psnrDb: wanted }, { effort, isOrdered: true }, encode);
        expect(reached.psnrDb).toBeGreaterThanOrEqual(wanted);
        if (effort > 1) expect(calls.get(effort)!).toBeLessThanOrEqual(effort > 3 ? 3 : 12);
        if (effort > 3 || reached.quality === 1) continue;
        const below = await encode(reached.quality - 1, effort);
        expect(below.psnrDb).toBeLessThan(wanted);
      }
    }
  });

  it('that is out of reach takes no more than a search where qualities are in order', async () => {
    const { calls, encode } = encoderOf((quality) => ({ psnrDb: quality / 4, fileBytes: 10 + quality }));
    await expect(encodeTo({ fileBytes: 5 }, { effort: 4, isOrdered: true }, encode)).rejects.toMatchObject({
      code: 'target-out-of-reach',
    });
    expect(calls.get(1)!).toBeLessThanOrEqual(8);
    expect(calls.get(4)!).toBeLessThanOrEqual(3);
  });

  it('beyond all qualities is refused by what the last gives at the effort asked for', async () => {
    const { encode } = encoderOf((quality, effort) => ({
      psnrDb: quality / 4 + effort,
      fileBytes: 10 + quality,
    }));
    await expect(encodeTo({ psnrDb: 31 }, { effort: 5, isOrdered }, encode)).rejects.toMatchObject({
      code: 'target-out-of-reach',
      message: expect.stringContaining('30.00 dB'),
    });
    await expect(encodeTo({ fileBytes: 10 }, { effort: 5, isOrdered }, encode)).rejects.toMatchObject({
      code: 'target-out-of-reach',
    });
  });
});
