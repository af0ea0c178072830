import { expect, test } from 'vitest';
import { differenceOf, meanOf, type PathSpace, pathBetween, type Term, weightedSum } from './combine.ts';

const term = (...numbers: number[]): Term => ({
  modulation: Float32Array.from(numbers),
  shape: [4, 4],
  quality: 50,
});
const a = term(0.1, -2, 3);
const b = term(7, 0.25, -1 / 3);

test('the ends of a path are the functions themselves, to the last bit', () => {
  const path = pathBetween(a, b, 5);
  expect(path).toHaveLength(5);
  expect(path[0]).toEqual(a);
  expect(path[4]).toEqual(b);
  expect(path[0]!.modulation).not.toBe(a.modulation);
});

test('the points of a path are evenly spaced on a straight line', () => {
  const path = pathBetween(term(0, 0), term(4, -8), 5);
  expect(path.map(({ modulation }) => [...modulation])).toEqual([
    [0, 0],
    [1, -2],
    [2, -4],
    [3, -6],
    [4, -8],
  ]);
});

test('a path along a sphere keeps to it, in the space that it runs in', () => {
  const doubled: PathSpace = {
    curve: 'spherical',
    toSpace: ({ modulation }) => modulation.map((x) => 2 * x),
    fromSpace: (point) => point.map((x) => x / 2),
  };
  const path = pathBetween(term(3, 0), term(0, 3), 4, doubled);
  for (const { modulation } of path) expect(Math.hypot(...modulation)).toBeCloseTo(3, 5);
  const angle = ({ modulation }: Term) => Math.atan2(modulation[1]!, modulation[0]!);
  expect(angle(path[1]!)).toBeCloseTo(Math.PI / 6, 5);
  const still = pathBetween(term(1, 1), term(1, 1), 3, doubled);
  expect([...still[1]!.modulation]).toEqual([1, 1]);
});

test('the mean of one function is itself, of two the middle of their path, and weights need not sum to 1', () => {
  expect(meanOf([a])).toEqual(a);
  expect(meanOf([a, b])).toEqual(pathBetween(a, b, 3)[1]);
  expect([...meanOf([term(0), term(4)], [3, 1]).modulation]).toEqual([1]);
});

test('a function less itself is zero, and what is taken away can be added again', () => {
  expect([...differenceOf(a, a).modulation]).toEqual([0, 0, 0]);
  const sum = weightedSum([differenceOf(a, b), b], [1, 1]);
  sum.modulation.forEach((x, i) => {
    expect(x).toBeCloseTo(a.modulation[i]!, 5);
  });
});

test('what cannot be combined is refused with a reason', () => {
  const other: Term = { modulation: new Float32Array(8), shape: [8, 8], quality: 50 };
  expect(() => differenceOf(a, other)).toThrow(expect.objectContaining({ code: 'other-shape' }));
  expect(() => meanOf([])).toThrow(expect.objectContaining({ code: 'no-terms' }));
  expect(() => meanOf([a, b], [1, -1])).toThrow(expect.objectContaining({ code: 'weights' }));
  expect(() => weightedSum([a, b], [1])).toThrow(expect.objectContaining({ code: 'weights' }));
  expect(() => pathBetween(a, b, 1)).toThrow(expect.objectContaining({ code: 'path-steps' }));
  expect(() => pathBetween(a, b, 1e6)).toThrow(expect.objectContaining({ code: 'limit-terms' }));
});
