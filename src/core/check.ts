/**
 * Arguments at the door of the library: programs in JavaScript pass what types would refuse. A verb begins with `check`, and gives one
 * line that names the argument and what it may be: `near: to is the id of a function or a signal, not a function of the set`.
 */
import { BadInputError } from './errors.ts';

/** What is wrong with a value that is called `name`; undefined where nothing is. */
export type Check = (value: unknown, name: string) => string | undefined;

/** Throws BadInputError `bad-argument` for the first fault. */
export function check(verb: string, ...faults: readonly (string | undefined)[]): void {
  const fault = faults.find((found) => found !== undefined);
  if (fault !== undefined) throw new BadInputError('bad-argument', `${verb}: ${fault}`);
}

/** A kind of value: `says` what it is, in words that follow "is". */
export function kind(says: string, is: (value: unknown) => boolean): Check {
  return (value, name) => (is(value) ? undefined : `${name} is ${says}, not ${wordsFor(value)}`);
}

/** Absent, or as `inner` says. */
export function maybe(inner: Check): Check {
  return (value, name) => (value === undefined ? undefined : inner(value, name));
}

/** An object whose members, where they are there, are of their kinds. `says` names what it is. */
export function having(members: Readonly<Record<string, Check>>, says = 'an object'): Check {
  return (value, name) => {
    const fault = anObject(value, name);
    if (fault !== undefined) return says === 'an object' ? fault : kind(says, () => false)(value, name);
    for (const [member, inner] of Object.entries(members)) {
      // What is made when it is read is not made for this.
      if (Object.getOwnPropertyDescriptor(value, member)?.get !== undefined) continue;
      const found = inner((value as Record<string, unknown>)[member], `${name}.${member}`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** Options of a verb: an object or absent, each member absent or of its kind. */
export function optionsOf(members: Readonly<Record<string, Check>> = {}): Check {
  const own = Object.fromEntries(Object.entries(members).map(([name, inner]) => [name, maybe(inner)]));
  return maybe(having({ signal: maybe(anAbortSignal), limits: maybe(anObject), ...own }));
}

/** A list, or anything else that can be walked, of items of one kind; items of what is no list are not looked at. */
export function listOf(inner: Check, says: string): Check {
  return (value, name) => {
    if (!Array.isArray(value)) return kind(`a list of ${says}`, () => false)(value, name);
    for (const [i, item] of value.entries()) {
      const found = inner(item, `${name}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

export const anObject = kind(
  'an object',
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value),
);
export const aText = kind('a text', (value) => typeof value === 'string');
export const aNumber = kind('a number', (value) => typeof value === 'number');
export const aFlag = kind('true or false', (value) => typeof value === 'boolean');
export const aFunction = kind('a function', (value) => typeof value === 'function');
export const byteArray = kind('a Uint8Array', (value) => value instanceof Uint8Array);
export const aLabel = kind('a text or a number', (value) => ['string', 'number'].includes(typeof value));
export const anAbortSignal = kind('an AbortSignal', (value) => isObject(value) && 'aborted' in value);
/** Float32Array, a list of numbers, and the like. */
export const numbers = kind(
  'a list of numbers',
  (value) =>
    (ArrayBuffer.isView(value) && !(value instanceof DataView) && typeof first(value) !== 'bigint') ||
    (Array.isArray(value) && value.every((item) => typeof item === 'number')),
);
export const floats = kind('a Float32Array', (value) => value instanceof Float32Array);
/** Samples along each axis. */
export const aShape = kind(
  'a list of whole numbers from 1',
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every((n) => Number.isSafeInteger(n) && n >= 1),
);
export const aSize = kind(
  'a text such as 4x, 640x480 or 44100/s, { factor }, { shape } or { rate, unit }',
  (value) =>
    typeof value === 'string' ||
    (isObject(value) &&
      (typeof value.factor === 'number' ||
        (typeof value.rate === 'number' && typeof value.unit === 'string') ||
        (Array.isArray(value.shape) && value.shape.every(isNumber)))),
);
export const aBox = kind(
  'a text such as y=0:32,x=8:24, or { start, count }',
  (value) =>
    typeof value === 'string' ||
    (isObject(value) &&
      [value.start, value.count].every((list) => Array.isArray(list) && list.every(isNumber))),
);
const aSpec: Check = (value, name) => having({ levels: kind('a list', Array.isArray) })(value, name);
export const aSignal = having(
  {
    id: maybe(aText),
    shape: aShape,
    channels: aNumber,
    values: floats,
    weights: maybe(floats),
    axes: maybe(kind('a list of axes', Array.isArray)),
  },
  'a signal, { id, shape, channels, values }',
);
const modelParts = {
  card: having({ name: aText, shape: aShape, outputs: kind('a list', Array.isArray), spec: aSpec }),
  network: having({ spec: aSpec, weights: floats, rates: floats }),
  steps: floats,
  slopes: maybe(having({ qualities: numbers, weights: floats, rates: floats, steps: floats })),
};
const aMap = kind('a Map', (value) => value instanceof Map);
/** What a model's file is written from. */
export const partsOfModel = having({ ...modelParts, tensors: maybe(aMap) });
export const aModel = having(
  { id: aText, networkId: aText, ...modelParts, tensors: aMap },
  'a model, as loadModel and readModel give it',
);
export const anEngine = having(
  { evaluate: aFunction, adapt: aFunction },
  'an engine, as openEngine gives it',
);
export const aTerm = having({ modulation: floats, shape: aShape, quality: aNumber }, 'a function');
export const aRowStream = having(
  {
    shape: aShape,
    channels: aNumber,
    rows: kind('rows to walk', (value) => isObject(value) && Symbol.asyncIterator in value),
  },
  'a stream of rows, { shape, channels, rows }',
);
export const aModelAndEngine = having({ model: aModel, engine: anEngine });

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function first(view: ArrayBufferView): unknown {
  return (view as Uint8Array)[0];
}

/** What a value is, in a word or two. */
function wordsFor(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'undefined':
      return 'absent';
    case 'string':
      return 'a text';
    case 'number':
      return String(value);
    case 'object': {
      const { name } = (value as object).constructor ?? Object;
      return name === 'Object' ? 'an object' : `a ${name}`;
    }
    default:
      return `a ${typeof value}`;
  }
}
