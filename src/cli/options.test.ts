import { describe, expect, it } from 'vitest';
import { BadInputError } from '../core/errors.ts';
import { UsageError } from './exit.ts';
import { fromOption, integer, integers, list, real, reals } from './options.ts';

describe('a whole number', () => {
  it('is read within its range', () => {
    expect(integer(1, 100)('50')).toBe(50);
    expect(integer(0)('0')).toBe(0);
  });

  it.each(['0', '101', '1.5', '1e2', '0x10', '', ' ', 'ten', 'NaN'])('is not %j', (text) => {
    expect(() => integer(1, 100)(text)).toThrow('Give a whole number from 1 to 100.');
  });
});

describe('a number', () => {
  it('is read within its range', () => {
    expect(real(0, 10)('0.5')).toBe(0.5);
    expect(real(0, 10)('1e-3')).toBe(1e-3);
    expect(real(0, 10)('0')).toBe(0);
  });

  it.each(['-1', '', 'Infinity', 'NaN', 'x', '11'])('is not %j', (text) => {
    expect(() => real(0, 10)(text)).toThrow('Give a number from 0 to 10.');
  });
});

describe('a list', () => {
  it('drops repeats and spaces', () => {
    expect(list('jpeg, webp,jpeg')).toEqual(['jpeg', 'webp']);
    expect(integers(1, 100)('10,20')).toEqual([10, 20]);
    expect(reals(0, 100)('0.3,6')).toEqual([0.3, 6]);
  });

  it('has no empty names', () => {
    expect(() => list('jpeg,,webp')).toThrow('Give names between commas.');
    expect(() => integers(1, 100)('10,200')).toThrow('Give a whole number');
  });
});

it("a library's complaint about an option is a usage error that names the option", () => {
  const read = () => {
    throw new BadInputError('bad-size', 'size 0x is no size');
  };
  expect(() => fromOption('--size', read)).toThrow(new UsageError('bad-size', '--size: size 0x is no size'));
});
