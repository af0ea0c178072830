/** What the numbers of an array stand for: the scale that an integer type has for what a model takes. */
import { BadInputError } from '../core/errors.ts';
import type { SampleMeaning } from '../signal/meaning.ts';

/** Value = (sample - zero) / unit. */
interface Scale {
  readonly zero: number;
  readonly unit: number;
}

const asItIs: Scale = { zero: 0, unit: 1 };

/**
 * Scales of integer types, by NumPy's names: those in which such signals are kept. A type that is wider than any signal of
 * its kind says nothing of the range in use, so it has no scale here. Unsigned sound stands around its middle, as in WAV.
 */
const scales: Readonly<Record<'picture' | 'sound', Readonly<Record<string, Scale>>>> = {
  picture: { b1: asItIs, u1: { zero: 0, unit: 255 }, u2: { zero: 0, unit: 65535 } },
  sound: {
    u1: { zero: 128, unit: 128 },
    i1: { zero: 0, unit: 128 },
    i2: { zero: 0, unit: 32768 },
    i4: { zero: 0, unit: 2 ** 31 },
  },
};

const advice = {
  picture: "a.astype('uint8') for samples from 0 to 255, or floats in [0, 1]",
  sound: "a.astype('int16') for 16-bit samples, or floats in [-1, 1]",
};

/**
 * Values of elements of an npy type without its byte order, such as `u2`. Throws BadInputError `npy-scale` for a type that
 * has no scale for signals of this meaning.
 */
export function scaled(
  data: ArrayLike<number>,
  type: string,
  meaning: SampleMeaning,
  id: string,
): Float32Array {
  const { zero, unit } = scaleOf(data, type, meaning, id);
  const values = new Float32Array(data.length);
  for (let i = 0; i < values.length; i++) values[i] = (data[i]! - zero) / unit;
  return values;
}

function scaleOf(data: ArrayLike<number>, type: string, meaning: SampleMeaning, id: string): Scale {
  if (meaning === 'numbers' || type.startsWith('f')) return asItIs;
  if (meaning === 'mask') {
    let most = 1;
    for (let i = 0; i < data.length; i++) most = Math.max(most, data[i]!);
    return { zero: 0, unit: most };
  }
  const scale = scales[meaning][type];
  if (scale !== undefined) return scale;
  throw new BadInputError(
    'npy-scale',
    `${id}: an array of ${nameOf(type)} has no scale as ${meaning}; save it as ${advice[meaning]}`,
  );
}

/** `uint16` for `u2`. */
function nameOf(type: string): string {
  const kind = { b: 'bool', u: 'uint', i: 'int', f: 'float' }[type[0]!];
  return type === 'b1' ? 'bool' : `${kind}${8 * Number(type.slice(1))}`;
}
