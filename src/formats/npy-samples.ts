/** What the numbers of an array stand for: the scale that an integer type has for what is wanted of it. */
import { BadInputError } from '../core/errors.ts';
import type { Output, SampleType } from '../field/outputs.ts';
import type { Wanted } from './format.ts';

/** (sample - zero) / unit is from 0 to 1 for samples of 8 bits, from -1 to 1 for those of 16. */
interface Scale {
  readonly zero: number;
  readonly unit: number;
}

const asItIs: Scale = { zero: 0, unit: 1 };

/**
 * Scales of integer types, by NumPy's names: those in which such signals are kept. A type that is wider than any signal of
 * its kind says nothing of the range in use, so it has no scale here. Unsigned sound stands around its middle, as in WAV.
 */
const scales: Readonly<Record<Exclude<SampleType, 'float32'>, Readonly<Record<string, Scale>>>> = {
  uint8: { b1: asItIs, u1: { zero: 0, unit: 255 }, u2: { zero: 0, unit: 65535 } },
  int16: {
    u1: { zero: 128, unit: 128 },
    i1: { zero: 0, unit: 128 },
    i2: { zero: 0, unit: 32768 },
    i4: { zero: 0, unit: 2 ** 31 },
  },
};

/** Value = base + length * (sample - zero) / unit. */
interface Placed extends Scale {
  readonly base: number;
  readonly length: number;
}

const numbers: Placed = { ...asItIs, base: 0, length: 1 };

/**
 * Values [points, channels] of elements of an npy type without its byte order, such as `u2`. Integers of outputs that are sampled in
 * whole numbers are brought to the range of each; floats, and integers of other outputs, are taken as they are; `any` is samples from 0
 * to 1 of types that pictures are kept in, else numbers as they are. Throws BadInputError `npy-scale` for a type that has no scale for these outputs.
 */
export function scaled(
  data: ArrayLike<number>,
  type: string,
  wanted: Wanted['outputs'],
  id: string,
): Float32Array {
  const places = placesOf(data, type, wanted, id);
  const values = new Float32Array(data.length);
  for (let i = 0; i < values.length; i++) {
    const { zero, unit, base, length } = places[i % places.length]!;
    values[i] = base + length * ((data[i]! - zero) / unit);
  }
  return values;
}

function placesOf(data: ArrayLike<number>, type: string, wanted: Wanted['outputs'], id: string): Placed[] {
  if (type.startsWith('f')) return [numbers];
  if (wanted === 'mask') {
    let most = 1;
    for (let i = 0; i < data.length; i++) most = Math.max(most, data[i]!);
    return [{ ...numbers, unit: most }];
  }
  if (wanted === 'any')
    return [
      scales.uint8[type] === undefined ? numbers : placeOf({ low: 0, peak: 1, sample: 'uint8' }, type, id),
    ];
  return wanted.map((output) => placeOf(output, type, id));
}

function placeOf(
  { low, peak, sample }: Pick<Output, 'low' | 'peak' | 'sample'>,
  type: string,
  id: string,
): Placed {
  if (sample === 'float32') return numbers;
  const scale = scales[sample][type];
  if (scale === undefined) {
    const range = `[${low}, ${low + peak}]`;
    throw new BadInputError(
      'npy-scale',
      `${id}: an array of ${nameOf(type)} has no scale for values in ${range} that are sampled as ${sample}; save it as a.astype('${sample}') with samples over the whole type, or floats in ${range}`,
    );
  }
  return sample === 'uint8'
    ? { ...scale, base: low, length: peak }
    : { ...scale, base: low + peak / 2, length: peak / 2 };
}

/** `uint16` for `u2`. */
function nameOf(type: string): string {
  const kind = { b: 'bool', u: 'uint', i: 'int', f: 'float' }[type[0]!];
  return type === 'b1' ? 'bool' : `${kind}${8 * Number(type.slice(1))}`;
}
