/** Parsers of members of JSON that name what is at fault. */
import { BadInputError } from '../core/errors.ts';

/** Throws BadInputError `bad-card` naming `at` for a value that is not a T. */
export type Parser<T> = (value: unknown, at: string) => T;

/** An object of these members and no other. */
export function members<T extends object>(
  value: unknown,
  at: string,
  parsers: { [K in keyof T]-?: Parser<T[K]> },
): T {
  const object = record(value, at);
  const unknown = Object.keys(object).find((key) => !Object.hasOwn(parsers, key));
  if (unknown !== undefined) fail(`${at}.${unknown.slice(0, 40)}`, 'left out: it has no meaning here');
  const entries = Object.entries<Parser<unknown>>(parsers as Record<string, Parser<unknown>>);
  const parsed = entries.map(([key, parse]) => [key, parse(object[key], `${at}.${key}`)] as const);
  return Object.fromEntries(parsed.filter(([, value]) => value !== undefined)) as T;
}

/** A member that may be left out. */
export function optional<T>(parse: Parser<T>): Parser<T | undefined> {
  return (value, at) => (value === undefined ? undefined : parse(value, at));
}

export function recordOf<T>(parse: Parser<T>): Parser<Record<string, T>> {
  return (value, at) =>
    Object.fromEntries(
      Object.entries(record(value, at)).map(([key, member]) => [key, parse(member, `${at}.${key}`)]),
    );
}

export function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(at, 'an object');
  return value as Record<string, unknown>;
}

export function listOf<T>(parse: Parser<T>): Parser<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return fail(at, 'a list');
    return value.map((member, i) => parse(member, `${at}[${i}]`));
  };
}

export function oneOf<K extends string>(choices: Readonly<Record<K, unknown>>): Parser<K> {
  return (value, at) => {
    if (typeof value === 'string' && Object.hasOwn(choices, value)) return value as K;
    return fail(at, `one of ${Object.keys(choices).join(', ')}`);
  };
}

export function whole(least: number, most: number): Parser<number> {
  return (value, at) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    return fail(at, `a whole number from ${least} to ${most}`);
  };
}

export function number(value: unknown, at: string): number {
  return Number.isFinite(value) ? (value as number) : fail(at, 'a finite number');
}

export function flag(value: unknown, at: string): boolean {
  return typeof value === 'boolean' ? value : fail(at, 'true or false');
}

export function text(value: unknown, at: string): string {
  return typeof value === 'string' ? value : fail(at, 'a text');
}

export function fail(at: string, wanted: string): never {
  throw new BadInputError('bad-card', `${at} must be ${wanted}`);
}
