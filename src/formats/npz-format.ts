/** Several arrays of NumPy in one file (numpy.savez): each by its name, as an npy file of its own. */
import type { Limits } from '../core/limits.ts';
import { type FieldVariable, likelyAxesOfFields, shapeOfFields, signalOfFields } from './field-file.ts';
import { anyFileLimits, type ShapeOptions, type SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { readNpy, readNpyShape, signalFromNpy } from './npy.ts';
import { npy } from './npy-format.ts';
import { copyBox, placeOf, rowMajor } from './strided.ts';
import { firstNameInZip, readZip, type ZipEntry } from './zip.ts';

export const npz = {
  name: 'npz',
  title: 'npz',
  mediaType: mediaTypes.npz,
  suffixes: ['.npz'],
  example: 'arrays.npz',
  raw: true,
  parts: ['variable'],
  sniff: (bytes) => firstNameInZip(bytes).endsWith('.npy'),
  fits: () => true,
  async shapeOf(bytes, options) {
    const one = theOne(bytes, options);
    if (one !== undefined) return npy.shapeOf(one.beginning(), options);
    return shapeOfFields(variablesOf(bytes, options.limits), { ...options, id: 'this' });
  },
  async read(bytes, options) {
    const one = theOne(bytes, options);
    if (one !== undefined) return signalFromNpy(one.read(), options);
    return signalOfFields(variablesOf(bytes, options.limits), options);
  },
  likelyAxes(bytes, parts) {
    const one = theOne(bytes, { ...parts, limits: anyFileLimits });
    return one === undefined
      ? likelyAxesOfFields(variablesOf(bytes, anyFileLimits), parts)
      : npy.likelyAxes(one.beginning());
  },
  channelsNeeded: ({ channels }) => channels,
  takes: (outputs, needed) => outputs === needed,
} as const satisfies SignalFormat;

/** The array that is named, or the only one: its integers have the scale that they have in an npy file. */
function theOne(
  bytes: Uint8Array,
  { variable, limits }: Pick<ShapeOptions, 'variable' | 'limits'>,
): ZipEntry | undefined {
  const entries = readZip(bytes, limits);
  const [first] = entries.values();
  if (variable === undefined) return entries.size === 1 ? first : undefined;
  return entries.get(`${variable}.npy`) ?? entries.get(variable);
}

/** Numbers as they are, along axes that have no names. */
function variablesOf(bytes: Uint8Array, limits: Limits): readonly FieldVariable[] {
  return [...readZip(bytes, limits)].flatMap(([file, entry]) => {
    if (!file.endsWith('.npy')) return [];
    const shape = readNpyShape(entry.beginning());
    const strides = rowMajor(shape);
    return {
      ...{ name: file.replace(/\.npy$/, ''), type: 'f8', attributes: {}, fills: false },
      dimensions: shape.map((size, axis) => ({ name: `axis${axis}`, size })),
      values({ start, count }) {
        const { data } = readNpy(entry.read(), limits);
        const values = new Float64Array(count.reduce((n, size) => n * size, 1));
        const from = { at: placeOf(start, strides), strides, numberAt: (i: number) => data[i]! };
        copyBox(count, from, { at: 0, strides: rowMajor(count), values });
        return values;
      },
    };
  });
}
