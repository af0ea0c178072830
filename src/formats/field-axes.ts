/** Coordinates along the dimensions of a file of fields (CF Conventions 1.11, chapters 4 and 5). */
import type { Axis } from '../field/outputs.ts';
import type { Dimension, FieldVariable } from './field-file.ts';
import { unpacked } from './field-values.ts';

/** The axis of `size` samples from sample `from` on; without places where some are no numbers. */
export type Coordinates = (from: number, size: number) => Axis;

/** Coordinates that differ from regular ones by these parts of a step, and of themselves, are theirs: they were rounded. */
const tolerance = { step: 1e-3, own: 1e-6 };
/** Of a coordinate variable more is not read: no signal has so many samples along an axis that says where they are. */
const mostCoordinates = 2 ** 22;

/** Of each of the dimensions that has a variable of its own name. */
export async function coordinatesOf(
  variables: readonly FieldVariable[],
  dimensions: readonly Dimension[],
): Promise<ReadonlyMap<string, Coordinates>> {
  const wanted = new Set(dimensions.map(({ name }) => name));
  const found = new Map<string, Coordinates>();
  for (const variable of variables) {
    const { name, type } = variable;
    const [own, ...others] = variable.dimensions;
    if (type === undefined || own?.name !== name || others.length > 0 || own.size > mostCoordinates) continue;
    if (!wanted.has(name)) continue;
    const values = await variable.values({ start: [0], count: [own.size] });
    found.set(name, along(variable, unpacked(variable, values)));
  }
  return found;
}

function along({ name, attributes }: FieldVariable, values: Float64Array): Coordinates {
  const units = typeof attributes.units === 'string' ? attributes.units : undefined;
  const kind = kindOf(name, units, attributes.standard_name);
  return (from, size) => {
    const unit = units === undefined ? {} : { unit: units };
    const own = values.subarray(from, from + size);
    if (!own.every(Number.isFinite)) return { name, ...unit };
    const places = placesOf(own);
    const { step } = places;
    const wraps =
      kind === 'longitude' &&
      step !== undefined &&
      Math.abs(size * Math.abs(step) - 360) < Math.abs(step) / 4;
    return {
      ...{ name, ...unit, ...places },
      ...(wraps ? { wraps } : {}),
      ...(kind === 'latitude' ? { weight: 'cosine' as const } : {}),
    };
  };
}

/** Start and step of regular coordinates, of others all of them. */
function placesOf(values: Float64Array): Pick<Axis, 'start' | 'step' | 'at'> {
  const start = values[0]!;
  const step = values.length > 1 ? (values.at(-1)! - start) / (values.length - 1) : 0;
  const isRegular = values.every(
    (v, i) => Math.abs(v - start - step * i) <= tolerance.step * Math.abs(step) + tolerance.own * Math.abs(v),
  );
  return step !== 0 && isRegular ? { start, step } : { at: [...values] };
}

/** CF 4.1 and 4.2: the unit says it, or the standard name. */
export function kindOf(
  name: string,
  units: string | undefined,
  standard: string | readonly number[] | undefined,
): 'latitude' | 'longitude' | undefined {
  for (const kind of ['latitude', 'longitude'] as const) {
    const side = kind === 'latitude' ? /^degrees?_?n(orth)?$/i : /^degrees?_?e(ast)?$/i;
    if (side.test(units ?? '') || standard === kind) return kind;
    if (/^deg/i.test(units ?? '') && name.toLowerCase() === kind) return kind;
  }
  return undefined;
}
