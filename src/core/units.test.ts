import { expect, test } from 'vitest';
import { bitsPerPoint, meanPsnrOfItems, mse, psnrDb, psnrOfMeanMse } from './units.ts';

test('a uniform error of one tenth of the peak is 20 dB', () => {
  expect(psnrDb(mse([0.1, 0.6], [0, 0.5]))).toBeCloseTo(20, 10);
  expect(psnrDb(mse([25.5], [0]), 255)).toBeCloseTo(20, 10);
  expect(psnrDb(0)).toBe(Infinity);
});

test('a point of weight zero drops out, NaN and all, and weights count for every channel', () => {
  expect(mse([1, 1, Number.NaN, 5], [0, 0, 0, 0], [2, 0])).toBe(1);
  expect(mse([1, 1, 3, 3], [0, 0, 0, 0], [3, 1])).toBe((3 * 1 + 9) / 4);
});

test('an error without anything to measure is refused', () => {
  expect(() => mse([1], [1, 2])).toThrow(expect.objectContaining({ code: 'mse-length' }));
  expect(() => mse([1, 2, 3], [1, 2, 3], [1, 1])).toThrow(expect.objectContaining({ code: 'mse-length' }));
  expect(() => mse([], [])).toThrow(expect.objectContaining({ code: 'mse-empty' }));
  expect(() => mse([1], [1], [0])).toThrow(expect.objectContaining({ code: 'mse-empty' }));
  expect(() => meanPsnrOfItems([])).toThrow(expect.objectContaining({ code: 'mean-empty' }));
});

test('the two conventions agree on equal items, and the mean of items is higher on unequal ones', () => {
  expect(meanPsnrOfItems([0.01, 0.01])).toBeCloseTo(psnrOfMeanMse([0.01, 0.01]), 10);
  expect(meanPsnrOfItems([0.1, 0.001])).toBeCloseTo(20, 10);
  expect(psnrOfMeanMse([0.1, 0.001])).toBeCloseTo(12.967, 3);
});

test('64 bytes for 32 x 32 pixels are half a bit a pixel', () => {
  expect(bitsPerPoint(64, 1024)).toBe(0.5);
});
