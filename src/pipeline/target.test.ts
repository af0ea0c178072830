import { describe, expect, it } from 'vitest';
import { encodeTo } from './target.ts';
import type { Encoded } from './types.ts';

const points = 1024;

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
        expect((await encodeTo({ psnrDb: 50 }, { effort, points }, encode)).quality).toBe(only);
        expect((await encodeTo({ fileBytes: 40 }, { effort, points }, encode)).quality).toBe(only);
      }
    }
  });

  it('that effort 1 never meets is met at the effort asked for, in few encodings of it', async () => {
    const { calls, encode } = encoderOf((quality, effort) => ({
      psnrDb: quality / 4 + 5 * Number(effort > 1),
      fileBytes: 10 + quality - 6 * Number(effort > 1),
    }));
    expect((await encodeTo({ psnrDb: 28 }, { effort: 5, points }, encode)).psnrDb).toBeGreaterThanOrEqual(28);
    expect(
      (await encodeTo({ fileBytes: 7 }, { effort: 5, points }, encode)).bytes.length,
    ).toBeLessThanOrEqual(7);
    expect(calls.get(5)).toBeLessThanOrEqual(6);
  });

  it('beyond all qualities is refused by what the last gives at the effort asked for', async () => {
    const { encode } = encoderOf((quality, effort) => ({
      psnrDb: quality / 4 + effort,
      fileBytes: 10 + quality,
    }));
    await expect(encodeTo({ psnrDb: 31 }, { effort: 5, points }, encode)).rejects.toMatchObject({
      code: 'target-out-of-reach',
      message: expect.stringContaining('30.00 dB'),
    });
    await expect(encodeTo({ fileBytes: 10 }, { effort: 5, points }, encode)).rejects.toMatchObject({
      code: 'target-out-of-reach',
    });
  });
});
