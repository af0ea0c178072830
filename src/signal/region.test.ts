import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { FunctaError } from '../core/errors.ts';
import { axisNames } from '../field/outputs.ts';
import { boxOf, checkBoxText } from './region.ts';

const badRegion = expect.objectContaining({ code: 'bad-region' });

describe('a region in words', () => {
  it('names axes in any order, from a sample up to another', () => {
    const box = { start: [0, 8], count: [32, 16] };
    expect(boxOf('y=0:32,x=8:24', [64, 64])).toEqual(box);
    expect(boxOf('x=8:24,y=0:32', [64, 64])).toEqual(box);
    expect(boxOf('8,0,16,32', [64, 64])).toEqual(box);
    expect(boxOf(box, [64, 64])).toEqual(box);
  });

  it('takes all of an axis that is not named, and of an end that is left out', () => {
    expect(boxOf('x=8:24', [64, 48])).toEqual({ start: [0, 8], count: [64, 16] });
    expect(boxOf('y=8:', [64, 48])).toEqual({ start: [8, 0], count: [56, 48] });
    expect(boxOf('y=:8', [64, 48])).toEqual({ start: [0, 0], count: [8, 48] });
    expect(boxOf('x=5', [64, 48])).toEqual({ start: [0, 5], count: [64, 1] });
  });

  it('reads one axis as time or place, and three from the slowest to the fastest', () => {
    expect(boxOf('t=10:20', [100])).toEqual({ start: [10], count: [10] });
    expect(boxOf('x=10:20', [100])).toEqual({ start: [10], count: [10] });
    expect(boxOf('10,5', [100])).toEqual({ start: [10], count: [5] });
    expect(boxOf('z=1:2,y=0:3', [4, 5, 6])).toEqual({ start: [1, 0, 0], count: [1, 3, 6] });
    expect(boxOf('1,2,3,4,5,6', [9, 9, 9])).toEqual({ start: [3, 2, 1], count: [6, 5, 4] });
  });

  it('reads the names that a card gives its axes, and no others', () => {
    const axes = [{ name: 'latitude' }, { name: 'longitude' }];
    expect(boxOf('longitude=8:24', [64, 48], { axes })).toEqual({ start: [0, 8], count: [64, 16] });
    expect(() => boxOf('x=8:24', [64, 48], { axes })).toThrow('it has latitude, longitude');
  });

  it('outside of a grid is told with the axes of that grid', () => {
    const time = [{ name: 'time' }];
    expect(() => boxOf('time=0:200', [100], { axes: time })).toThrow('by the names of its axes: time=0:100');
    expect(() => boxOf('z=0:9', [4, 5, 6])).toThrow('by the names of its axes: z=0:4,y=0:5,x=0:6');
    expect(() => boxOf({ start: [0], count: [9] }, [8])).toThrow('give one within it');
  });

  it.each([
    '',
    'x',
    'x=',
    'x=a:b',
    'x=1:2:3',
    'x=-1:2',
    'x=1.5:2',
    'x=1:2,x=3:4',
    'x=1:2,',
    '1,2,3',
    'y=0:4;x=0:4',
  ])("'%s' is no region, whatever it is of", (text) => {
    expect(() => checkBoxText(text)).toThrow(badRegion);
    expect(() => boxOf(text, [8, 8])).toThrow(badRegion);
  });

  it('that leaves the signal, is empty, or names an axis that is not there is refused with the axes that are', () => {
    for (const text of ['x=0:9', 'x=4:4', 'x=5:3', 'x=8:', '0,0,9,1', '1,1']) {
      expect(() => boxOf(text, [8, 8])).toThrow(badRegion);
    }
    expect(() => boxOf('z=0:1', [8, 8])).toThrow('it has y, x');
    expect(() => checkBoxText('z=0:1')).not.toThrow();
  });
});

test('a box in words is the box: of any shape, by names and by numbers', () => {
  const axis = fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 9 }), fc.nat(9));
  fc.assert(
    fc.property(fc.array(axis, { minLength: 1, maxLength: 4 }), (axes) => {
      const shape = axes.map(([start, count, rest]) => start + count + rest);
      const box = { start: axes.map(([start]) => start), count: axes.map(([, count]) => count) };
      const names = axisNames(shape.length);
      const named = names.map((name, i) => `${name}=${box.start[i]}:${box.start[i]! + box.count[i]!}`);
      expect(boxOf(named.reverse().join(), shape)).toEqual(box);
      const numbers = [...box.start.toReversed(), ...box.count.toReversed()];
      expect(boxOf(numbers.join(), shape)).toEqual(box);
    }),
  );
});

test('any text: a box within the shape, or a tagged error', () => {
  const text = fc.stringMatching(/^[xyzt0-9=:,]{0,16}$/);
  fc.assert(
    fc.property(
      text,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
      (given, shape) => {
        try {
          const { start, count } = boxOf(given, shape);
          const isWithin = shape.every(
            (n, i) => count[i]! >= 1 && start[i]! >= 0 && start[i]! + count[i]! <= n,
          );
          expect(isWithin).toBe(true);
        } catch (error) {
          if (!(error instanceof FunctaError)) throw error;
        }
      },
    ),
  );
});
