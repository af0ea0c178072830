import { describe, expect, it } from 'vitest';
import { durationText, Progress } from './progress.ts';

function setup(isTTY: boolean, columns = 120) {
  const written: string[] = [];
  let nowMs = 0;
  const progress = new Progress(
    { write: (text) => written.push(text), isTTY, columns },
    { label: 'learn', unit: 'steps', now: () => nowMs },
  );
  return { progress, written, advance: (ms: number) => (nowMs += ms) };
}

describe('progress where there is no terminal', () => {
  it('says nothing of a job that is over in a few seconds', () => {
    const { progress, written, advance } = setup(false);
    for (let i = 0; i < 40; i++) {
      advance(100);
      progress.update(i, 40);
    }
    progress.end();
    expect(written).toEqual([]);
  });

  it('prints at most one line every five seconds, with rate and time left', () => {
    const { progress, written, advance } = setup(false);
    for (let i = 0; i <= 600; i++) {
      progress.update(i, 1000, 'psnr 25.0 dB');
      advance(100);
    }
    expect(written.length).toBe(12);
    expect(written[0]).toBe('learn: 50 of 1000 steps, 5 %, 10.0 steps/s, 1:35 left, psnr 25.0 dB\n');
  });
});

describe('progress on a terminal', () => {
  it('redraws one line and leaves none behind', () => {
    const { progress, written, advance } = setup(true);
    for (let i = 0; i <= 10; i++) {
      progress.update(i, 10);
      advance(1000);
    }
    progress.end();
    expect(written.every((text) => text.startsWith('\r') && text.endsWith('\x1b[K'))).toBe(true);
    expect(written.at(-2)).toContain('[########################]  10 of 10 steps  100 %');
    expect(written.at(-1)).toBe('\r\x1b[K');
  });

  it('stays within the width of the terminal', () => {
    const { progress, written } = setup(true, 20);
    progress.update(1, 1000, 'a long note about what is going on');
    expect(written[0]!.slice(1, -3)).toHaveLength(19);
  });

  it('draws ten times a second at most', () => {
    const { progress, written, advance } = setup(true);
    for (let i = 0; i < 1000; i++) {
      progress.update(i, 1000);
      advance(1);
    }
    expect(written.length).toBe(10);
  });
});

describe('the rate', () => {
  it('counts from where a resumed job starts', () => {
    const { progress, written, advance } = setup(false);
    progress.update(5000, 6000);
    advance(10_000);
    progress.update(5100, 6000);
    expect(written[0]).toContain('10.0 steps/s, 1:30 left');
  });

  it('knows the rate of a part of a job by that part alone: of another unit, or counted anew', () => {
    const { progress, written, advance } = setup(true);
    const part = (unit: string, perSecond: number) => {
      for (let i = 1; i <= 8; i++) {
        progress.update((i * perSecond) / 4, 20_000, '', unit);
        advance(250);
      }
      progress.update(2 * perSecond + perSecond / 4, 20_000, '', unit);
      return written.at(-1);
    };
    expect(part('symbols', 8000)).toContain('8000 symbols/s');
    expect(part('steps', 40)).toContain('40.0 steps/s');
    expect(part('steps', 4)).toContain('4.00 steps/s');
  });

  it('of bytes reads as bytes', () => {
    const { progress, written, advance } = setup(false);
    progress.update(0, 169e6, '', 'bytes');
    advance(10_000);
    progress.update(20e6, 169e6, '', 'bytes');
    expect(written[0]).toBe('learn: 20.0 MB of 169 MB, 11 %, 2.00 MB/s, 1:15 left\n');
  });
});

it('durations grow from seconds to hours', () => {
  expect([9, 65, 3600 * 2 + 65].map(durationText)).toEqual(['9 s', '1:05', '2:01:05']);
});
