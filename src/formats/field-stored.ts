/** How the numbers of a variable are stored, where that is not as floats (NetCDF Users Guide, appendix A: packed values). */
import { type StoredAs, type StoredType, wholeRange } from '../field/about.ts';
import type { FieldVariable } from './field-file.ts';
import { numbersOf, storedTypeOf, usualFill } from './field-values.ts';

/** Of a variable with whole numbers whose values are `values`, unpacked; undefined of others, and where a missing value would have no number. */
export function storedAs(
  { type, attributes, fills }: FieldVariable,
  values: Float64Array,
): StoredAs | undefined {
  const own = storedTypeOf(type, attributes);
  const range = wholeRange(own as StoredType);
  // An array that says nothing of its numbers is no file of fields.
  if (range === undefined || (!fills && Object.keys(attributes).length === 0)) return undefined;
  const [slope = 1] = numbersOf(attributes, 'scale_factor');
  const [intercept = 0] = numbersOf(attributes, 'add_offset');
  if (!(Number.isFinite(slope) && slope !== 0 && Number.isFinite(intercept))) return undefined;
  const said = [...numbersOf(attributes, '_FillValue'), ...numbersOf(attributes, 'missing_value')];
  const [fill] = said.map((v) => (v < 0 && range[0] === 0 ? v + range[1] + 1 : v));
  const isMissing = values.some(Number.isNaN);
  const usual = usualFill[own!];
  const missing = fill ?? (isMissing ? usual : undefined);
  if (
    missing === undefined
      ? isMissing
      : !(Number.isInteger(missing) && missing >= range[0] && missing <= range[1])
  )
    return undefined;
  // Readers of netCDF take the usual value for a missing one.
  if (missing === undefined && values.some((v) => Math.round((v - intercept) / slope) === usual))
    return undefined;
  return { type: own as StoredType, slope, intercept, ...(missing === undefined ? {} : { fill: missing }) };
}

/** How all variables are stored; where they differ, or are converted to another unit, `notes` say that it is not kept. */
export function storedTogether(
  variables: readonly {
    readonly name: string;
    readonly stored: StoredAs | undefined;
    readonly isConverted: boolean;
  }[],
  notes: string[],
): StoredAs | undefined {
  const [first] = variables;
  const same = variables.every(
    ({ stored, isConverted }) => !isConverted && JSON.stringify(stored) === JSON.stringify(first?.stored),
  );
  if (same) return first?.stored;
  const whole = variables.filter(({ stored }) => stored !== undefined);
  if (whole.length > 0)
    notes.push(
      `how ${whole.map(({ name, stored }) => `${name} (${stored!.type})`).join(', ')} is stored is not kept: ${
        whole.some(({ isConverted }) => isConverted) ? 'it is converted' : 'they differ'
      }`,
    );
  return undefined;
}
