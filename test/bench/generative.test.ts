import { expect, test } from 'vitest';
import { masks } from '../../bench/generative/completion.ts';
import { readOptions } from '../../bench/generative/options.ts';
import { type CompletionRow, type Found, meanOf, report, resultOf } from '../../bench/generative/result.ts';
import { trainingLike } from '../../bench/generative/samples.ts';
import { Rng } from '../../src/core/rng.ts';

const model = { id: 'abc', card: { name: 'tiny' } };
const none = { bits: [], samples: [], completion: [] };
const row = (mask: string, gainDb: number): Found<CompletionRow> => ({
  name: 'gaussian',
  mask,
  n: 3,
  psnrDb: 12,
  withoutDb: 12 - gainDb,
  gainDb,
  gainStandardError: 0.1,
  secondsPerItem: 0.2,
});

test('a run replaces its own rows, keeps those of others, and each row names its run', () => {
  const options = readOptions([]);
  const first = resultOf(
    options,
    model,
    { ...none, completion: [row('left', 1), row('right', 2)] },
    ['--seed', '1'],
    undefined,
  );
  const second = resultOf(
    options,
    model,
    { ...none, completion: [row('right', 5), row('top', 6)] },
    [],
    first,
  );
  expect(second.completion.map(({ mask, gainDb, setting }) => [mask, gainDb, setting])).toEqual([
    ['left', 1, 0],
    ['right', 5, 1],
    ['top', 6, 1],
  ]);
  expect(report(second).join('\n')).toContain(
    '| gaussian | right | 12.00 dB | 7.00 dB | 5.00 ± 0.10 dB | - | - | - | - | - | - | 0.20 | 3 | 2 |',
  );
  const other = resultOf(
    options,
    { ...model, id: 'def' },
    { ...none, completion: [row('top', 6)] },
    [],
    second,
  );
  expect(other.completion).toHaveLength(1);
});

test('masks hide what their names say', () => {
  const hidden = (name: string) => {
    const observed = masks[name]!([28, 28], new Rng(1));
    return 1 - observed.reduce((sum, known) => sum + known, 0) / observed.length;
  };
  expect(hidden('left half')).toBe(0.5);
  expect(hidden('bottom half')).toBe(0.5);
  for (const share of [25, 50, 75, 90]) expect(hidden(`${share} % at random`)).toBeCloseTo(share / 100, 1);
  expect(masks['left half']!([2, 4], new Rng(1))).toEqual(Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1));
});

test('a mean comes with its standard error', () => {
  expect(meanOf([1, 3])).toEqual({ mean: 2, standardError: 1 });
});

test.each([
  ['--parts', 'all'],
  ['--samples', '0'],
  ['--split', 'train'],
  ['--guidance', '2,strong'],
])('%s %s is refused', (...args) => {
  expect(() => readOptions(args)).toThrow(expect.objectContaining({ code: 'bench-option' }));
});

test('guidance and steps are lists: a row for each of both', () => {
  const { guidance, steps } = readOptions(['--guidance', '1.5,3', '--steps', '8,18']);
  expect({ guidance, steps }).toEqual({ guidance: [1.5, 3], steps: [8, 18] });
  expect(readOptions([]).guidance).toBeUndefined();
});

test('training pictures stand beside those of a split label by label, and differ from seed to seed', () => {
  const given = [0, 0, 1, 2, 2, 2, 1];
  const chosen = trainingLike([2, 1, 1, 0, 7], given, 3);
  expect(chosen.slice(0, 4).map((k) => given[k])).toEqual([2, 1, 1, 0]);
  expect(chosen[4]).toBeLessThan(given.length);
  const wanted = new Array<number>(40).fill(2);
  expect(trainingLike(wanted, given, 1)).not.toEqual(trainingLike(wanted, given, 2));
  expect(new Set(trainingLike(wanted, given, 1))).toEqual(new Set([3, 4, 5]));
});
