import { expect, test } from 'vitest';
import { withLimits } from '../core/limits.ts';
import type { Signal } from '../signal/signal.ts';
import { contactSheet } from './contact-sheet.ts';

const flat = (shape: [number, number], channels: number, value: number): Signal => ({
  id: `${value}`,
  shape,
  channels,
  values: new Float32Array(shape[0] * shape[1] * channels).fill(value),
});

test('pictures stand row by row with the background between them', () => {
  const sheet = contactSheet([flat([1, 1], 1, 0.1), flat([1, 1], 1, 0.2), flat([1, 1], 1, 0.3)], {
    gap: 1,
    columns: 2,
  });
  expect(sheet.shape).toEqual([5, 5]);
  const at = (y: number, x: number) => sheet.values[y * 5 + x];
  expect([at(1, 1), at(1, 3), at(3, 1)].map((v) => v?.toFixed(1))).toEqual(['0.1', '0.2', '0.3']);
  expect([at(0, 0), at(1, 2), at(3, 3)]).toEqual([1, 1, 1]);
});

test('sizes and channels may differ: cells are as large as the largest, grey becomes colour', () => {
  const sheet = contactSheet([flat([2, 3], 3, 0.5), flat([1, 1], 1, 0)], {
    gap: 0,
    columns: 2,
    background: 0.25,
  });
  expect(sheet).toMatchObject({ shape: [2, 6], channels: 3 });
  expect([...sheet.values.subarray(9, 15)]).toEqual([0, 0, 0, 0.25, 0.25, 0.25]);
});

test('with transparency among them the sheet is opaque where the others are', () => {
  const sheet = contactSheet([flat([1, 1], 4, 0), flat([1, 1], 1, 0.5)], { gap: 0, columns: 2 });
  expect([...sheet.values]).toEqual([0, 0, 0, 0, 0.5, 0.5, 0.5, 1]);
});

test('a sample grows to a square of scale x scale', () => {
  const sheet = contactSheet([flat([1, 2], 1, 0)], { gap: 0, scale: 3 });
  expect(sheet.shape).toEqual([3, 6]);
  expect(sheet.values.every((v) => v === 0)).toBe(true);
});

test('no pictures, sounds, bad options and sheets over the limit are refused', () => {
  const one = flat([1, 1], 1, 0);
  const withCode = (code: string) => expect.objectContaining({ code });
  expect(() => contactSheet([])).toThrow(withCode('sheet-empty'));
  expect(() => contactSheet([{ ...one, shape: [1] }])).toThrow(withCode('not-an-image'));
  expect(() => contactSheet([one], { scale: 0 })).toThrow(withCode('bad-option'));
  expect(() => contactSheet([one], { columns: 1.5 })).toThrow(withCode('bad-option'));
  expect(() => contactSheet([one], { limits: withLimits({ maxSamples: 24 }) })).toThrow(
    withCode('limit-samples'),
  );
});
