/** Parts of request schemas whose check costs little, whatever is sent. */
import { z } from 'zod';

/** Items up to which a schema of zod may look at all of a list itself. */
const fewItems = 64;

export interface BoundedListOptions {
  readonly min?: number;
  readonly max: number;
  /**
   * Whether an item is right, at the cost of a comparison, in place of the schema, which then says what is wrong.
   * Needed for more than 64 items.
   */
  readonly fits?: (item: unknown) => boolean;
}

/**
 * A list of `min` to `max` items. Its length is looked at before its items, and checking ends at the first item that
 * is wrong: a schema of zod checks every item, and makes an issue of each that is wrong, before it compares the
 * length; for a list of 30,000 that takes a hundred milliseconds.
 */
export function boundedList<T extends z.ZodType>(
  item: T,
  { min = 0, max, fits }: BoundedListOptions,
): z.ZodType<z.output<T>[], z.input<T>[]> {
  const whole = z.array(item).min(min).max(max);
  if (fits === undefined) {
    if (max > fewItems) throw new Error('a long list needs a cheap check of its items');
    const bounded = z.preprocess((given, context) => {
      if (!Array.isArray(given) || given.length <= max) return given;
      context.addIssue({ code: 'custom', message: lengthFault(given, min, max) });
      return z.NEVER;
    }, whole);
    return bounded as unknown as z.ZodType<z.output<T>[], z.input<T>[]>;
  }
  const { $schema: _, ...described } = z.toJSONSchema(whole);
  return z
    .custom<z.output<T>[]>()
    .superRefine((given: unknown, context) => {
      if (!Array.isArray(given) || given.length < min || given.length > max) {
        context.addIssue({ code: 'custom', message: lengthFault(given, min, max) });
        return;
      }
      const at = given.findIndex((value) => !fits(value));
      if (at < 0) return;
      const issue = item.safeParse(given[at]).error?.issues[0];
      const path = [at, ...(issue?.path ?? [])];
      context.addIssue({ code: 'custom', message: issue?.message ?? 'is not valid', path });
    })
    .meta(described) as unknown as z.ZodType<z.output<T>[], z.input<T>[]>;
}

function lengthFault(given: unknown, min: number, max: number): string {
  return Array.isArray(given)
    ? `has ${given.length} items; from ${min} to ${max} are taken`
    : 'is not an array';
}

/** Cheap checks of items. */
export const isNumber = (item: unknown): boolean => Number.isFinite(item);
export const isNumberOrNull = (item: unknown): boolean => item === null || Number.isFinite(item);
export const isBit = (item: unknown): boolean => item === 0 || item === 1 || typeof item === 'boolean';
export const isText =
  (min: number, max: number) =>
  (item: unknown): boolean =>
    typeof item === 'string' && item.length >= min && item.length <= max;
export const isRow =
  (min: number, max: number) =>
  (item: unknown): boolean =>
    Array.isArray(item) && item.length >= min && item.length <= max && item.every(isNumber);

/** Bytes in base64, at most `max` characters. */
export function base64(max: number): z.ZodString {
  return z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'is not base64')
    .refine((text) => text.length % 4 === 0, 'is not base64: its length is not a multiple of 4');
}
