import { expect, test } from 'vitest';
import { freshWatch, rateShare, watchNorm, watchRule } from './watch.ts';

const { window, spike, spikesInRow, growth } = watchRule;

/** Norms that waver by a third, as those of a healthy run do. */
const wavering = (i: number) => 10 * (1 + Math.sin(i * 1.7) / 3);
const fine = { spike: false };

test('norms of a healthy run change nothing, whatever the scale of a phase', () => {
  const watch = freshWatch();
  for (let i = 0; i < 5 * window; i++) expect(watchNorm(watch, 'noise', wavering(i))).toEqual(fine);
  expect(watchNorm(watch, 'noise', 0.6 * spike * 10)).toEqual(fine);
  for (let i = 0; i < 5 * window; i++) expect(watchNorm(watch, 'coded', 1000 * wavering(i))).toEqual(fine);
  expect(rateShare(watch)).toBe(1);
});

test('one norm far above all others is a spike, once there are enough of them; several in a row halve the rates', () => {
  const watch = freshWatch();
  for (let i = 0; i < window; i++) watchNorm(watch, 'noise', wavering(i));
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i < spikesInRow; i++) expect(watchNorm(watch, 'noise', 2000)).toEqual({ spike: true });
    expect(watchNorm(watch, 'noise', 10)).toEqual(fine);
  }
  expect(rateShare(watch)).toBe(1);
  for (let i = 1; i < spikesInRow; i++) watchNorm(watch, 'noise', 2000);
  expect(watchNorm(watch, 'noise', 2000).growth).toBeGreaterThan(spike);
  expect(rateShare(watch)).toBe(1 / 2);
  // Gathered anew: nothing is judged for a while.
  expect(watchNorm(watch, 'noise', 1e9)).toEqual(fine);
});

test('norms that grow slowly and without end halve the rates, again and again, and say by how much they grew', () => {
  const watch = freshWatch();
  const found: number[] = [];
  for (let i = 0; i < 20 * window; i++) {
    const judged = watchNorm(watch, 'distortion', 74 * 1.01 ** i);
    if (judged.growth !== undefined) found.push(judged.growth);
  }
  expect(found.length).toBeGreaterThan(3);
  expect(found[0]).toBeGreaterThan(growth);
  expect(found[0]).toBeLessThan(1.1 * growth);
  expect(rateShare(watch)).toBe(2 ** -found.length);
});

test('a phase that begins after norms had grown is no fresh start: they are halved for until they fall', () => {
  const watch = freshWatch();
  for (let i = 0; i < 2 * window; i++) watchNorm(watch, 'noise', wavering(i));
  // Ninefold, which is not enough by itself, as the phase ends; in the next, twice that.
  for (let i = 0; i < 2 * window; i++) expect(watchNorm(watch, 'noise', 9 * wavering(i))).toEqual(fine);
  const judged = Array.from({ length: 3 * window }, (_, i) =>
    watchNorm(watch, 'coded', (i < window ? 500 : 1000) * wavering(i)),
  );
  expect(judged.filter((one) => one.growth !== undefined).length).toBeGreaterThan(0);
  // Found again, what was before counts for nothing in the phase after.
  for (let i = 0; i < 5 * window; i++) watchNorm(watch, 'coded', wavering(i));
  const { cuts } = watch;
  for (let i = 0; i < 3 * window; i++)
    watchNorm(watch, 'distortion', (i < window ? 500 : 1000) * wavering(i));
  expect(watch.cuts).toBe(cuts);
});

test('a run that had left its way and is halved for as its phase ends is judged in the next by how far it is', () => {
  const watch = freshWatch();
  for (let i = 0; i < 2 * window; i++) watchNorm(watch, 'noise', wavering(i));
  let at = 0;
  while (watch.cuts === 0) watchNorm(watch, 'noise', 10 * 1.02 ** at++);
  // It goes on as it was, for a few steps, and then the loss is another.
  for (let i = 0; i < 20; i++) watchNorm(watch, 'noise', 40 * wavering(i));
  for (let i = 0; i <= window; i++) watchNorm(watch, 'coded', 5 * wavering(i));
  expect(watch.cuts).toBe(2);
});
