/** Coordinates along the dimensions of a file of fields (CF Conventions 1.11, chapters 4 and 5). */
import type { Axis } from '../field/outputs.ts';
import type { Dimension, FieldVariable } from './field-file.ts';
import { unpacked } from './field-values.ts';

export interface Coordinates {
  /** An axis of `size` samples from sample `from` on; without places where these are no regular ones. */
  axis(from: number, size: number): Axis;
  /** How much samples count where they are rows of a sphere, 1 on average. */
  weights(from: number, size: number): Float64Array | undefined;
}

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
  return {
    axis(from, size) {
      const unit = units === undefined ? {} : { unit: units };
      const start = values[from]!;
      const step = size > 1 ? (values[from + size - 1]! - start) / (size - 1) : undefined;
      const isRegular =
        step !== undefined &&
        step !== 0 &&
        values
          .subarray(from, from + size)
          .every(
            (v, i) =>
              Math.abs(v - start - step * i) <= tolerance.step * Math.abs(step) + tolerance.own * Math.abs(v),
          );
      if (!isRegular) return { name, ...unit };
      const wraps = kind === 'longitude' && Math.abs(size * Math.abs(step) - 360) < Math.abs(step) / 4;
      return {
        ...{ name, ...unit, start, step },
        ...(wraps ? { wraps } : {}),
        ...(kind === 'latitude' ? { weight: 'cosine' as const } : {}),
      };
    },
    weights(from, size) {
      if (kind !== 'latitude') return undefined;
      const cosines = values.slice(from, from + size).map((v) => Math.max(0, Math.cos((v * Math.PI) / 180)));
      const mean = cosines.reduce((sum, v) => sum + v, 0) / size;
      return mean > 0 ? cosines.map((v) => v / mean) : undefined;
    },
  };
}

/** CF 4.1 and 4.2: the unit says it, or the standard name. */
function kindOf(
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
