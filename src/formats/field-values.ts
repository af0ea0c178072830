/** From the numbers of a variable to what they stand for (NetCDF Users Guide, appendix A). */
import type { Attributes } from '../field/about.ts';
import type { FieldVariable } from './field-file.ts';

/** Values that stand for none where a file does not say which: bytes have no such (netcdf.h, NC_FILL). */
export const usualFill: Readonly<Record<string, number>> = {
  i2: -32767,
  u2: 65535,
  i4: -2147483647,
  u4: 4294967295,
  // as near as doubles come to -(2^63 - 2) and 2^64 - 2
  i8: -(2 ** 63),
  u8: 2 ** 64,
  f4: 9.969209968386869e36,
  f8: 9.969209968386869e36,
};

/** In place: values as they are stored become numbers of the variable's unit, NaN where there is none. */
export function unpacked({ type, attributes, fills }: FieldVariable, values: Float64Array): Float64Array {
  const isUnsigned = storedTypeOf(type, attributes) !== type;
  const modulus = isUnsigned ? 2 ** (8 * Number(type![1])) : 0;
  const asStored = (v: number) => (isUnsigned && v < 0 ? v + modulus : type === 'f4' ? Math.fround(v) : v);
  const fill = numbersOf(attributes, '_FillValue');
  const usual = fills ? usualFill[type ?? ''] : undefined;
  const missing = [
    ...(fill.length > 0 || usual === undefined ? fill : [usual]),
    ...numbersOf(attributes, 'missing_value'),
  ].map(asStored);
  const [from, to] = rangeOf(attributes).map(asStored) as [number, number];
  const [scale = 1] = numbersOf(attributes, 'scale_factor');
  const [offset = 0] = numbersOf(attributes, 'add_offset');
  for (let i = 0; i < values.length; i++) {
    const v = asStored(values[i]!);
    values[i] = missing.includes(v) || v < from || v > to ? Number.NaN : v * scale + offset;
  }
  return values;
}

/** The type of its numbers: files of the classic format say of signed ones that they are meant without a sign. */
export function storedTypeOf(type: string | undefined, attributes: Attributes): string | undefined {
  return type?.startsWith('i') && attributes._Unsigned === 'true' ? `u${type.slice(1)}` : type;
}

/** Least and greatest value that counts. */
function rangeOf(attributes: Attributes): [number, number] {
  const [least, most] = numbersOf(attributes, 'valid_range');
  const [min = Number.NEGATIVE_INFINITY] = numbersOf(attributes, 'valid_min');
  const [max = Number.POSITIVE_INFINITY] = numbersOf(attributes, 'valid_max');
  return least === undefined || most === undefined ? [min, max] : [least, most];
}

export function numbersOf(attributes: Attributes, name: string): readonly number[] {
  const found = attributes[name];
  return found === undefined || typeof found === 'string' ? [] : found;
}
