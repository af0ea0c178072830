/** NIfTI: volumes of voxels, plain and by gzip, with units and places along axes. */
import { createGzip, gunzipSync, constants as zlib } from 'node:zlib';
import { BadStreamError, LimitError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { type About, storedTypes } from '../field/about.ts';
import type { Axis } from '../field/outputs.ts';
import { stackedRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { type FieldVariable, likelyAxesOfFields, shapeOfFields, signalOfFields } from './field-file.ts';
import type { Parts, ReadOptions, ShapeOptions, SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { type NiftiHeader, readNiftiHeader, sniffNifti } from './nifti.ts';
import { niftiChunks } from './nifti-write.ts';
import { piped } from './piped.ts';

/** Names of axes from the fastest on, as the format has them. */
const names = ['x', 'y', 'z', 't', 'u', 'v', 'w'];
const colours = ['red', 'green', 'blue', 'alpha'];

const volume = {
  raw: false,
  parts: ['variable'],
  fits: ({ axes, outputs }) => (axes === 3 || axes === 4) && outputs.length === 1,
  channelsNeeded: ({ channels }) => channels,
  takes: (outputs, needed) => outputs === needed,
  together: 'volumes one after the other, as in time',
} as const satisfies Partial<SignalFormat>;

const nifti = {
  ...volume,
  name: 'nifti',
  title: 'NIfTI',
  mediaType: mediaTypes.nifti,
  suffixes: ['.nii'],
  example: 'volume.nii',
  sniff: (bytes) => sniffNifti(bytes) !== undefined,
  shapeOf: async (bytes, options) => shapeOfNifti(bytes, options),
  read: async (bytes, options) => readNifti(bytes, options),
  likelyAxes: (bytes, parts) => likelyAxesOfVolume(variablesOf(bytes), parts),
  write: (rows, outputs) => niftiChunks(rows, outputs),
  writeAll: (signals, outputs) => niftiChunks(stackedRows(signals), outputs),
} as const satisfies SignalFormat;

const niftiGzip = {
  ...volume,
  name: 'nifti-gzip',
  title: 'NIfTI by gzip',
  mediaType: mediaTypes['nifti-gzip'],
  suffixes: ['.nii.gz'],
  example: 'volume.nii.gz',
  sniff: (bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b && sniffNifti(beginning(bytes)) !== undefined,
  shapeOf: async (bytes, options) => shapeOfNifti(beginning(bytes), options, unknownSize),
  read: async (bytes, options) => readNifti(inflated(bytes, options.limits), options),
  likelyAxes: (bytes, parts) => likelyAxesOfVolume(variablesOf(beginning(bytes), unknownSize), parts),
  write: (rows, outputs) => piped(niftiChunks(rows, outputs), createGzip()),
  writeAll: (signals, outputs) => piped(niftiChunks(stackedRows(signals), outputs), createGzip()),
} as const satisfies SignalFormat;

export const volumes = [nifti, niftiGzip] as const;

/** A volume has its three axes be they of one voxel. */
function likelyAxesOfVolume(variables: readonly FieldVariable[], parts?: Parts): number {
  const dimensions = variables[0]?.dimensions.length ?? 0;
  return Math.max(Math.min(3, dimensions), likelyAxesOfFields(variables, parts));
}

function shapeOfNifti(
  bytes: Uint8Array,
  options: ShapeOptions,
  size?: { readonly fileBytes: number },
): readonly number[] {
  return shapeOfFields(variablesOf(bytes, size), { ...options, id: 'this' });
}

async function readNifti(bytes: Uint8Array, options: ReadOptions): Promise<Signal> {
  checkLimit(
    'file-bytes',
    bytes.length,
    options.limits.maxFileBytes,
    'send a smaller file, or raise maxFileBytes',
  );
  const header = readNiftiHeader(bytes);
  const signal = await signalOfFields(variablesOf(bytes), options);
  const own = axesOf(header);
  const axes = signal.axes!.map(({ name }): Axis => own.find((axis) => axis.name === name) ?? { name });
  const about = aboutOf(header, axes);
  const isLost = about.affine === undefined && !isUpright(header);
  const notes = [
    ...(signal.notes ?? []),
    ...(isLost ? ['how its axes are turned is not kept'] : []),
    ...(header.hasOtherQform ? ['its qform, which places voxels elsewhere than its sform, is not kept'] : []),
  ];
  return { ...signal, axes, about, ...(notes.length === 0 ? {} : { notes }) };
}

/** How its axes are turned, of a signal along all of them, and how its voxels are stored where that is not as floats. */
function aboutOf(header: NiftiHeader, axes: readonly Axis[]): About {
  const { affine, slope, intercept } = header;
  const isWhole = ['z', 'y', 'x'].every((name, i) => axes.at(i - 3)?.name === name);
  const type = storedTypes.find((own) => own === header.type.name);
  return {
    ...(isUpright(header) || !isWhole ? {} : { affine: affine.flat().map(shortestSingle) }),
    ...(type === undefined || type === 'f4' || header.type.numbers > 1
      ? {}
      : { stored: { type, slope: shortestSingle(slope), intercept: shortestSingle(intercept) } }),
  };
}

/** The number of the fewest digits that is the same as one of 32 bits; others as they are. */
function shortestSingle(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** One variable; of colours one each. The axis that is fastest in the file is the last of a signal. */
function variablesOf(bytes: Uint8Array, size?: { readonly fileBytes: number }): readonly FieldVariable[] {
  const header = readNiftiHeader(bytes, size);
  const { type, sizes, slope, intercept, littleEndian, start: begin } = header;
  const dimensions = sizes.map((size, i) => ({ name: names[i]!, size })).reverse();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: type.numbers }, (_, n) => ({
    ...{ name: type.numbers === 1 ? 'voxels' : colours[n]!, type: type.name, dimensions, fills: false },
    attributes: { scale_factor: [slope], add_offset: [intercept] },
    values: ({ start, count }) => {
      const strides = dimensions.map((_, axis) =>
        dimensions.slice(axis + 1).reduce((n, { size }) => n * size, 1),
      );
      const values = new Float64Array(count.reduce((n, size) => n * size, 1));
      for (let p = 0; p < values.length; p++) {
        let left = p;
        let voxel = 0;
        for (let axis = count.length - 1; axis >= 0; axis--) {
          voxel += (start[axis]! + (left % count[axis]!)) * strides[axis]!;
          left = Math.floor(left / count[axis]!);
        }
        values[p] = type.read(view, begin + (voxel * type.numbers + n) * type.bytes, littleEndian);
      }
      return values;
    },
  }));
}

/** Along x, y, z and t. Where axes are turned, they have no places of their own: how far apart voxels are. */
function axesOf(header: NiftiHeader): Axis[] {
  const { affine, spaceUnit, timeUnit, timeStart, timeStep } = header;
  const upright = isUpright(header);
  const unit = (own: string | undefined) => (own === undefined ? {} : { unit: own });
  const space = [0, 1, 2].map((i): Axis => {
    const long = Math.hypot(affine[0]![i]!, affine[1]![i]!, affine[2]![i]!);
    return {
      name: names[i]!,
      ...unit(spaceUnit),
      ...(upright ? { start: affine[i]![3]!, step: affine[i]![i]! } : { step: long }),
    };
  });
  const time = {
    name: 't',
    ...unit(timeUnit),
    ...(timeStep > 0 ? { start: timeStart, step: timeStep } : {}),
  };
  return [...space, time];
}

/** Whether x, y and z of the voxels are those of space, in whichever direction. */
function isUpright({ affine }: NiftiHeader): boolean {
  return affine.every((row, i) =>
    row.slice(0, 3).every((v, j) => i === j || Math.abs(v) <= 1e-5 * Math.abs(affine[j]![j]!)),
  );
}

/** Of a file by gzip: how long it is when inflated is known when it is read. */
const unknownSize = { fileBytes: Number.MAX_SAFE_INTEGER };
/** Bytes of a file by gzip that its header is in; they inflate to 1032 times as many at most. */
const headBytes = 4096;

/** Of a file by gzip, as far as the first bytes go: header and shape are read on threads that must not wait. */
function beginning(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, headBytes), { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}

/** All members of a file by gzip. Throws BadStreamError `bad-gzip`, LimitError `limit-file-bytes`. */
function inflated(bytes: Uint8Array, limits?: Limits): Uint8Array {
  const most = limits?.maxFileBytes ?? bytes.length * 1100 + 2 ** 16;
  checkLimit('file-bytes', bytes.length, most, 'send a smaller file, or raise maxFileBytes');
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new LimitError('file-bytes', most, most + 1, 'send a smaller volume, or raise maxFileBytes');
    throw new BadStreamError('bad-gzip', 0, `it cannot be inflated: ${message}`);
  }
}
