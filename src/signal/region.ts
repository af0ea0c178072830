/**
 * Sizes and regions of a regular grid of samples, as callers give them.
 *
 * The order of axes is array order everywhere: the slowest first, as in a shape, [y, x] for a picture. Texts that name their axes have
 * no order (`y=0:32,x=8:24`). Texts of numbers alone are shorthand, from the fastest axis to the slowest: `x,y,w,h`, `640x480`.
 */
import { aBox, anObject, aShape, aText, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { type Axis, axisNames } from '../field/outputs.ts';
import { type Box, checkBox, wholeOf } from './box.ts';

/**
 * The size of the decoded grid: the signal's own times a factor, so many samples along each axis (array order), or so many in a unit along
 * the axes that are of it.
 */
export type Size =
  | { readonly factor: number }
  | { readonly shape: readonly number[] }
  | { readonly rate: number; readonly unit: string };

/**
 * `4x`, `0.5x`; `640x480` is width x height, `8x8x8` lists the axes from the fastest to the slowest; `16000`; `44100/s`, samples in a second.
 *
 * @example
 * const size = parseSize('640x480'); // rows first
 */
export function parseSize(text: string): Size {
  check('parseSize', aText(text, 'size'));
  const factor = /^(\d+(?:\.\d+)?|\.\d+)x$/.exec(text);
  if (factor !== null) return { factor: Number(factor[1]) };
  if (/^\d+(x\d+)*$/.test(text)) return { shape: text.split('x').map(Number).reverse() };
  const rate = /^(\d+(?:\.\d+)?|\.\d+)\/([A-Za-z][\w-]*)$/.exec(text);
  if (rate !== null) return { rate: Number(rate[1]), unit: rate[2]! };
  throw new BadInputError(
    'bad-size',
    `size '${text}' is neither a factor such as 4x nor a size such as 640x480, nor samples in a unit such as 44100/s`,
  );
}

/**
 * Samples along each axis of a signal of `shape` at a size. `axes` say how far apart its samples are. Throws BadInputError `bad-size`.
 */
export function shapeAt(
  shape: readonly number[],
  size: Size,
  axes: readonly Pick<Axis, 'unit' | 'step'>[] = [],
): readonly number[] {
  if ('factor' in size || 'rate' in size) {
    const [what, value] = 'factor' in size ? ['a size factor', size.factor] : ['a rate', size.rate];
    if (!(value > 0 && Number.isFinite(value)))
      throw new BadInputError('bad-size', `${what} is above 0, not ${value}`);
  }
  if ('factor' in size) return shape.map((n) => Math.max(1, Math.round(n * size.factor)));
  if ('rate' in size) {
    const along = shape.map((_, i) => axes[i]?.unit === size.unit && axes[i]?.step);
    if (!along.some(Boolean)) {
      const units = axes.flatMap(({ unit, step }) =>
        unit === undefined || step === undefined ? [] : [unit],
      );
      const said =
        units.length === 0 ? 'does not say how far apart samples are' : `is along ${units.join(', ')}`;
      throw new BadInputError(
        'bad-size',
        `${size.rate}/${size.unit} is asked for and the model ${said}; give a size in samples`,
      );
    }
    return shape.map((n, i) => (along[i] ? Math.max(1, Math.round(n * size.rate * Math.abs(along[i]))) : n));
  }
  if (size.shape.length !== shape.length || size.shape.some((n) => !Number.isSafeInteger(n) || n < 1)) {
    throw new BadInputError(
      'bad-size',
      `size [${size.shape}] does not give ${shape.length === 1 ? 'its one axis' : `each of ${shape.length} axes`} a sample; give ${shape.length === 1 ? 'one whole number' : `${shape.length} whole numbers`} from 1`,
    );
  }
  return size.shape;
}

/** A lone axis may be called this as well: that of a sound is time. */
const loneAxis = 't';

export interface BoxOptions {
  /** Names the grid in messages. */
  readonly owner?: string | undefined;
  /** Of the signal, in array order; default: `axisNames`. */
  readonly axes?: readonly Axis[] | undefined;
  /** What its model calls them: such names do as well. */
  readonly told?: readonly Axis[] | undefined;
}

/** What regions call axes. */
export type AxisNames = Pick<BoxOptions, 'axes' | 'told'>;

/** Axes of a signal as its file calls them, or else as its model does. */
export function namesOfSignal(
  { axes: told }: { readonly axes: readonly Axis[] },
  { axes = told }: { readonly axes?: readonly Axis[] | undefined },
): AxisNames {
  return { axes, told };
}

/**
 * The box that is asked for, of a grid of this shape: as it is, or in words. Words are `y=0:32,x=8:24`, from a sample up to another
 * along each axis that is named, in any order; `x=8:` goes on to the end, `x=8` is one sample, an axis that is not named is taken
 * whole. `x,y,w,h` is short for a picture's: starts from the fastest axis to the slowest, then counts in the same order.
 * Throws BadInputError `bad-region`.
 *
 * @example
 * const box = boxOf('y=0:14,x=4:20', [28, 28]); // { start: [0, 4], count: [14, 16] }
 */
export function boxOf(asked: Box | string, shape: readonly number[], options: BoxOptions = {}): Box {
  check('boxOf', aBox(asked, 'box'), aShape(shape, 'shape'), anObject(options, 'options'));
  const { owner, axes, told } = options;
  const names = axes?.map(({ name }) => name) ?? axisNames(shape.length);
  if (typeof asked !== 'string') return checkBox(asked, shape, owner, undefined, names);
  const parts = partsOf(asked);
  if (!Array.isArray(parts)) return checkBox(parts, shape, owner, `'${asked}'`, names);
  const indexOf = (called: string) =>
    names.includes(called) || !told ? names.indexOf(called) : told.findIndex(({ name }) => name === called);
  const whole = wholeOf(shape);
  const box = { start: [...whole.start], count: [...whole.count] };
  const seen = new Set<number>();
  for (const { name, from, to } of parts) {
    const axis = shape.length === 1 && name === loneAxis ? 0 : indexOf(name);
    if (axis < 0 || seen.has(axis)) {
      const fault = axis < 0 ? 'which is not there' : 'twice';
      throw bad(asked, `names axis ${name}, ${fault}; it has ${names.join(', ')}`);
    }
    seen.add(axis);
    box.start[axis] = from;
    box.count[axis] = (to ?? shape[axis]!) - from;
  }
  return checkBox(box, shape, owner, `'${asked}'`, names);
}

/** That a text is a region of some grid: to ask before there is one. Throws BadInputError `bad-region`. */
export function checkBoxText(text: string): void {
  partsOf(text);
}

/** Samples `from` up to `to` of an axis; without `to` up to its end. */
interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number | undefined;
}

function partsOf(text: string): Box | Part[] {
  if (/^\d+(,\d+)*$/.test(text)) {
    const numbers = text.split(',').map(Number);
    const axes = numbers.length / 2;
    if (!Number.isInteger(axes)) throw bad(text, form);
    return { start: numbers.slice(0, axes).reverse(), count: numbers.slice(axes).reverse() };
  }
  const names = new Set<string>();
  return text.split(',').map((part) => {
    const found = /^([^=]+)=(?:(\d+)|(\d*):(\d*))$/.exec(part);
    if (found === null) throw bad(text, form);
    const [, name = '', one, from, to] = found;
    if (names.has(name)) throw bad(text, `names axis ${name} twice`);
    names.add(name);
    if (one !== undefined) return { name, from: Number(one), to: Number(one) + 1 };
    return { name, from: Number(from), to: to === '' ? undefined : Number(to) };
  });
}

const form = 'is neither y=0:32,x=8:24 nor x,y,w,h in whole samples';

function bad(text: string, fault: string): BadInputError {
  return new BadInputError('bad-region', `region '${text}' ${fault}`);
}
