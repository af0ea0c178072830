/** Frames of a page while something is done to it. */
import type { Page } from 'playwright-core';

/** Frames a second, and the part of them that came in time for 60, told in words. */
export async function watchFrames(page: Page, work: () => Promise<void>): Promise<string> {
  await page.evaluate(`
    globalThis.frameTimes = [];
    globalThis.watchingFrames = true;
    (function next(at) {
      if (at !== undefined) frameTimes.push(at);
      if (watchingFrames) requestAnimationFrame(next);
    })();`);
  await work();
  const times = (await page.evaluate('watchingFrames = false, frameTimes')) as number[];
  const gaps = times.slice(1).map((at, i) => at - times[i]!);
  const seconds = (times.at(-1)! - times[0]!) / 1000;
  const late = gaps.filter((gap) => gap > 25).length;
  return `${(gaps.length / seconds).toFixed(0)} frames a second, ${late} of ${gaps.length} late`;
}
