/** What the file of a signal said of it: attributes, how its axes are turned, how its numbers were stored; FORMAT.md, "About". Values are right without it. */
import { BadStreamError } from '../src/core/errors.ts';
import { type About, type Attributes, type StoredAs, storedTypes, wholeRange } from '../src/field/about.ts';
import { isNamed } from './names.ts';
import { decodeText, encodeText } from './text.ts';

const mostBytes = 4096;
const affineNumbers = 12;

/** Undefined where there is nothing to say, or more than a section holds. */
export function encodeAbout(about: About, outputs: number): Uint8Array | undefined {
  const { attributes, file, affine, stored, outputs: named } = about;
  const said = {
    ...(named === undefined ? {} : { outputs: named }),
    ...(attributes?.some((own) => Object.keys(own).length > 0) ? { attributes } : {}),
    ...(file === undefined || Object.keys(file).length === 0 ? {} : { file }),
    ...(stored === undefined ? {} : { stored }),
    ...(affine === undefined ? {} : { affine }),
  };
  const text = JSON.stringify(said);
  if (text === '{}' || !isAbout(said, outputs)) return undefined;
  return new TextEncoder().encode(text).length <= mostBytes ? encodeText(text) : undefined;
}

/** Of a signal of a model of so many outputs. Throws BadStreamError as `decodeText`; `at`: offset for messages. */
export function decodeAbout(bytes: Uint8Array, outputs: number, at = 0): About {
  const found = jsonOf(decodeText(bytes, mostBytes, at));
  if (isAbout(found, outputs)) return found;
  throw new BadStreamError(
    'sections',
    at,
    `what is said of a signal is JSON of attributes for ${outputs} outputs, of an affine and of a stored type`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Members of other names are for later programs. */
function isAbout(found: unknown, outputs: number): found is About {
  if (!isObject(found)) return false;
  const { attributes, file, affine, stored, outputs: named } = found as Record<keyof About, unknown>;
  return (
    (named === undefined || (Array.isArray(named) && named.length === outputs && named.every(isNamed))) &&
    (attributes === undefined ||
      (Array.isArray(attributes) && attributes.length === outputs && attributes.every(isAttributes))) &&
    (file === undefined || isAttributes(file)) &&
    (affine === undefined || (isNumbers(affine) && affine.length === affineNumbers)) &&
    (stored === undefined || isStored(stored))
  );
}

function isAttributes(found: unknown): found is Attributes {
  return (
    isObject(found) &&
    Object.entries(found).every(
      ([name, value]) => name !== '' && isText(name) && (isText(value) || isNumbers(value)),
    )
  );
}

function isStored(found: unknown): found is StoredAs {
  if (!isObject(found)) return false;
  const { type, slope, intercept, fill } = found as Record<keyof StoredAs, unknown>;
  const own = storedTypes.find((one) => one === type);
  const [least = 0, most = -1] = wholeRange(own) ?? [];
  return (
    own !== undefined &&
    isNumbers([slope, intercept]) &&
    slope !== 0 &&
    (fill === undefined || (Number.isInteger(fill) && least <= (fill as number) && (fill as number) <= most))
  );
}

function isObject(found: unknown): found is object {
  return typeof found === 'object' && found !== null && !Array.isArray(found);
}

function isNumbers(found: unknown): found is number[] {
  return Array.isArray(found) && found.every(Number.isFinite);
}

/** Of no control characters. */
function isText(found: unknown): found is string {
  return typeof found === 'string' && !/\p{Cc}/u.test(found);
}
