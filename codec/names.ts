/** What the outputs of a signal are called, and their units; FORMAT.md, "Names". Values are right without it. */
import { BadStreamError } from '../src/core/errors.ts';
import type { NamedOutput } from '../src/field/outputs.ts';

const mostBytes = 4096;
const mostLetters = 128;

/** [outputs]; undefined where they are more than a section holds. */
export function encodeNames(outputs: readonly NamedOutput[]): Uint8Array | undefined {
  const told = outputs.map(({ name, unit }) => (unit === undefined ? { name } : { name, unit }));
  if (!told.every(isNamed)) return undefined;
  const bytes = new TextEncoder().encode(JSON.stringify(told));
  return bytes.length <= mostBytes ? bytes : undefined;
}

/** As many as the model has outputs. Throws BadStreamError `sections`; `at`: offset for messages. */
export function decodeNames(bytes: Uint8Array, outputs: number, at = 0): NamedOutput[] {
  const found = bytes.length <= mostBytes ? jsonOf(bytes) : undefined;
  if (Array.isArray(found) && found.length === outputs && found.every(isNamed))
    return found.map(({ name, unit }) => (unit === undefined ? { name } : { name, unit }));
  throw new BadStreamError(
    'sections',
    at,
    `names are a JSON list of a name and a unit for ${outputs} outputs`,
  );
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

export function isNamed(found: unknown): found is NamedOutput {
  if (typeof found !== 'object' || found === null) return false;
  const { name, unit } = found as Partial<Record<keyof NamedOutput, unknown>>;
  return isShortText(name) && name !== '' && (unit === undefined || isShortText(unit));
}

/** Of 128 letters at most and no control characters. */
export function isShortText(text: unknown): text is string {
  return typeof text === 'string' && text.length <= mostLetters && !/\p{Cc}/u.test(text);
}
