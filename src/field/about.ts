/** What a file of fields or volumes says of its values beside them, as it travels with a function (docs/adr/0086). */
import type { NamedOutput } from './outputs.ts';

/** Texts as they are, numbers as lists. */
export type Attributes = Readonly<Record<string, string | readonly number[]>>;

/** How numbers were stored: value = intercept + slope * stored. */
export interface StoredAs {
  readonly type: StoredType;
  readonly slope: number;
  readonly intercept: number;
  /** The stored number that stands for a missing value, of fields. */
  readonly fill?: number | undefined;
}

/** As NumPy names them, without their byte order. */
export const storedTypes = ['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'f4', 'f8'] as const;
export type StoredType = (typeof storedTypes)[number];

/** Least and greatest number of a whole type; undefined of floats, and of what is none of these types. */
export function wholeRange(type: StoredType | undefined): readonly [number, number] | undefined {
  if (type === undefined || type.startsWith('f')) return undefined;
  const values = 2 ** (8 * Number(type[1]));
  return type.startsWith('u') ? [0, values - 1] : [-values / 2, values / 2 - 1];
}

export interface About {
  /** [channels]: names and units, where values are on the scale of a model that has no unit; of others they stand beside their range. */
  readonly outputs?: readonly NamedOutput[] | undefined;
  /** [channels]: of each variable, but for those that say what its numbers are. */
  readonly attributes?: readonly Attributes[] | undefined;
  /** Of the file itself: a title, where it comes from. */
  readonly file?: Attributes | undefined;
  /** [3, 4]: from indices of samples along x, y and z, the last three axes from the last on, to places, where axes are turned. */
  readonly affine?: readonly number[] | undefined;
  /** Of a volume, where that is not as floats of 32 bits; of a field, where it is as whole numbers, the same of all its variables. */
  readonly stored?: StoredAs | undefined;
}

/** Bytes of JSON that attributes may take, those of the file among them. */
export const mostAttributeBytes = 512;
