/** NIfTI-1 and NIfTI-2 in one file (nifti1.h and nifti2.h, NIfTI Data Format Working Group). */
import { BadStreamError } from '../core/errors.ts';

/** How a voxel is stored; several numbers for colours. */
interface NiftiType {
  /** As NumPy names it, without its byte order. */
  readonly name: string;
  readonly bytes: number;
  readonly numbers: number;
  read(view: DataView, at: number, little: boolean): number;
}

/** Rows of a matrix [3, 4]: from the indices of x, y and z to places. */
export type Affine = readonly (readonly number[])[];

export interface NiftiHeader {
  readonly type: NiftiType;
  readonly littleEndian: boolean;
  /** Voxels along x, y, z, t and what follows, the fastest first. */
  readonly sizes: readonly number[];
  readonly affine: Affine;
  /** Whether its qform counts beside its sform, and puts voxels elsewhere. */
  readonly hasOtherQform: boolean;
  /** Of x, y and z, and of t. */
  readonly spaceUnit: string | undefined;
  readonly timeUnit: string | undefined;
  readonly timeStart: number;
  readonly timeStep: number;
  /** Value = slope * stored + intercept. */
  readonly slope: number;
  readonly intercept: number;
  /** Where voxels begin. */
  readonly start: number;
}

const byte = (read: NiftiType['read']) => ({ name: 'u1', bytes: 1, numbers: 1, read });
const types: Readonly<Record<number, NiftiType>> = {
  2: byte((view, at) => view.getUint8(at)),
  4: { name: 'i2', bytes: 2, numbers: 1, read: (view, at, little) => view.getInt16(at, little) },
  8: { name: 'i4', bytes: 4, numbers: 1, read: (view, at, little) => view.getInt32(at, little) },
  16: { name: 'f4', bytes: 4, numbers: 1, read: (view, at, little) => view.getFloat32(at, little) },
  64: { name: 'f8', bytes: 8, numbers: 1, read: (view, at, little) => view.getFloat64(at, little) },
  128: { ...byte((view, at) => view.getUint8(at)), numbers: 3 },
  256: { name: 'i1', bytes: 1, numbers: 1, read: (view, at) => view.getInt8(at) },
  512: { name: 'u2', bytes: 2, numbers: 1, read: (view, at, little) => view.getUint16(at, little) },
  768: { name: 'u4', bytes: 4, numbers: 1, read: (view, at, little) => view.getUint32(at, little) },
  1024: {
    name: 'i8',
    bytes: 8,
    numbers: 1,
    read: (view, at, little) => Number(view.getBigInt64(at, little)),
  },
  1280: {
    name: 'u8',
    bytes: 8,
    numbers: 1,
    read: (view, at, little) => Number(view.getBigUint64(at, little)),
  },
  2304: { ...byte((view, at) => view.getUint8(at)), numbers: 4 },
};

const mostAxes = 7;
const spaceUnits: Readonly<Record<number, string>> = { 1: 'm', 2: 'mm', 3: 'um' };
const timeUnits: Readonly<Record<number, string>> = {
  8: 's',
  16: 'ms',
  24: 'us',
  32: 'Hz',
  40: 'ppm',
  48: 'rad/s',
};

/** Which version the bytes begin like, and in which byte order. */
export function sniffNifti(
  bytes: Uint8Array,
): { readonly version: 1 | 2; readonly little: boolean } | undefined {
  if (bytes.length < 348) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const little of [true, false]) {
    const size = view.getInt32(0, little);
    if (size === 348 && ['n+1', 'ni1'].includes(ascii(bytes, 344, 347))) return { version: 1, little };
    if (size === 540 && ['n+2', 'ni2'].includes(ascii(bytes, 4, 7))) return { version: 2, little };
  }
  return undefined;
}

/** Everything but the voxels. Throws BadStreamError `bad-nifti`, `unsupported-nifti`, `truncated`. */
export function readNiftiHeader(
  bytes: Uint8Array,
  { fileBytes = bytes.length }: { readonly fileBytes?: number } = {},
): NiftiHeader {
  const kind = sniffNifti(bytes);
  if (kind === undefined) throw new BadStreamError('bad-nifti', 0, 'not a NIfTI file: it begins otherwise');
  const fields = new Fields(bytes, kind);
  if (fields.isPair) {
    throw new BadStreamError(
      'unsupported-nifti',
      0,
      'its voxels are in a file of their own (.img); save both as one .nii',
    );
  }
  const axes = fields.dim(0);
  if (!(axes >= 1 && axes <= mostAxes))
    throw new BadStreamError('bad-nifti', fields.at.dim, `it says ${axes} axes`);
  const sizes = Array.from({ length: axes }, (_, i) => fields.dim(i + 1));
  if (sizes.some((n) => !(Number.isSafeInteger(n) && n >= 1)))
    throw new BadStreamError('bad-nifti', fields.at.dim, `it says [${sizes}] voxels along its axes`);
  const type = types[fields.datatype];
  if (type === undefined) {
    throw new BadStreamError(
      'unsupported-nifti',
      fields.at.datatype,
      `voxels of data type ${fields.datatype} are not read; save them as float32`,
    );
  }
  const least = kind.version === 1 ? 352 : 544;
  const start = Math.max(least, fields.voxOffset);
  const end = start + sizes.reduce((n, size) => n * size, type.bytes * type.numbers);
  if (!Number.isSafeInteger(start) || !(end <= fileBytes))
    throw new BadStreamError(
      'truncated',
      bytes.length,
      `[${sizes}] voxels from byte ${start} on end at byte ${end}`,
    );
  const { slope, intercept } = fields;
  const isScaled = Number.isFinite(slope) && slope !== 0 && Number.isFinite(intercept);
  return {
    ...{ type, littleEndian: kind.little, sizes, start },
    affine: affineOf(fields, sizes),
    hasOtherQform: hasOtherQform(fields, sizes),
    spaceUnit: spaceUnits[fields.units & 7],
    timeUnit: timeUnits[fields.units & 56],
    timeStart: fields.timeStart,
    timeStep: fields.pixdim(4),
    ...(isScaled ? { slope, intercept } : { slope: 1, intercept: 0 }),
  };
}

/** Where things stand in a header of each version. */
const places = {
  1: {
    ...{
      dim: 40,
      datatype: 70,
      pixdim: 76,
      voxOffset: 108,
      slope: 112,
      intercept: 116,
      units: 123,
      timeStart: 136,
    },
    ...{ qform: 252, sform: 254, quatern: 256, qoffset: 268, srow: 280 },
  },
  2: {
    ...{
      dim: 16,
      datatype: 12,
      pixdim: 104,
      voxOffset: 168,
      slope: 176,
      intercept: 184,
      units: 500,
      timeStart: 216,
    },
    ...{ qform: 344, sform: 348, quatern: 352, qoffset: 376, srow: 400 },
  },
} as const;

class Fields {
  readonly at: (typeof places)[1 | 2];
  readonly isPair: boolean;
  readonly #view: DataView;
  readonly #long: boolean;
  readonly #little: boolean;

  constructor(bytes: Uint8Array, { version, little }: { readonly version: 1 | 2; readonly little: boolean }) {
    this.at = places[version];
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#long = version === 2;
    this.#little = little;
    if (this.#long && bytes.length < 544)
      throw new BadStreamError('truncated', bytes.length, 'its header ends early');
    this.isPair = (this.#long ? ascii(bytes, 4, 7) : ascii(bytes, 344, 347)).startsWith('ni');
  }

  dim(i: number): number {
    return this.#long
      ? Number(this.#view.getBigInt64(this.at.dim + 8 * i, this.#little))
      : this.#view.getInt16(this.at.dim + 2 * i, this.#little);
  }

  get datatype(): number {
    return this.#view.getInt16(this.at.datatype, this.#little);
  }

  pixdim(i: number): number {
    return this.#real(this.at.pixdim, i);
  }

  get voxOffset(): number {
    return this.#long
      ? Number(this.#view.getBigInt64(this.at.voxOffset, this.#little))
      : this.#view.getFloat32(this.at.voxOffset, this.#little);
  }

  get slope(): number {
    return this.#real(this.at.slope, 0);
  }

  get intercept(): number {
    return this.#real(this.at.intercept, 0);
  }

  get timeStart(): number {
    return this.#real(this.at.timeStart, 0);
  }

  get units(): number {
    return this.#long ? this.#view.getInt32(this.at.units, this.#little) : this.#view.getUint8(this.at.units);
  }

  code(at: 'qform' | 'sform'): number {
    return this.#long
      ? this.#view.getInt32(this.at[at], this.#little)
      : this.#view.getInt16(this.at[at], this.#little);
  }

  reals(at: 'quatern' | 'qoffset' | 'srow', count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.#real(this.at[at], i));
  }

  #real(at: number, i: number): number {
    return this.#long
      ? this.#view.getFloat64(at + 8 * i, this.#little)
      : this.#view.getFloat32(at + 4 * i, this.#little);
  }
}

/** The sform where it counts, else the qform, else sizes of voxels around the middle with x to the left, as nibabel has it. */
function affineOf(fields: Fields, sizes: readonly number[]): Affine {
  if (fields.code('sform') > 0) {
    const rows = fields.reals('srow', 12);
    return checked([rows.slice(0, 4), rows.slice(4, 8), rows.slice(8, 12)], fields.at.srow);
  }
  const zooms = zoomsOf(fields, sizes);
  if (fields.code('qform') > 0) return checked(ofQuaternion(fields, zooms), fields.at.quatern);
  const steps = zooms.map((zoom, i) => (i === 0 ? -1 : 1) * (zoom === 0 ? 1 : zoom));
  return checked(
    steps.map((step, i) =>
      [0, 1, 2].map((j) => (i === j ? step : 0)).concat((-step * ((sizes[i] ?? 1) - 1)) / 2),
    ),
    fields.at.pixdim,
  );
}

function zoomsOf(fields: Fields, sizes: readonly number[]): number[] {
  return [1, 2, 3].map((i) => (i <= sizes.length ? fields.pixdim(i) : 1));
}

/** By more than a hundredth of a voxel's side at the corner that is furthest from the first voxel: quaternions round more than matrices. */
function hasOtherQform(fields: Fields, sizes: readonly number[]): boolean {
  if (!(fields.code('qform') > 0 && fields.code('sform') > 0)) return false;
  const zooms = zoomsOf(fields, sizes);
  const [own, other] = [fields.reals('srow', 12), ofQuaternion(fields, zooms).flat()];
  const far = [sizes[0] ?? 1, sizes[1] ?? 1, sizes[2] ?? 1, 1];
  const off = own.map((v, i) => Math.abs(v - other[i]!) * far[i % 4]!);
  return !off.every((d) => d <= Math.min(...zooms.map(Math.abs)) / 100);
}

/** nifti1.h, METHOD 2. */
function ofQuaternion(fields: Fields, zooms: readonly number[]): Affine {
  const [b, c, d] = fields.reals('quatern', 3) as [number, number, number];
  const a = Math.sqrt(Math.max(0, 1 - b * b - c * c - d * d));
  const handed = fields.pixdim(0) < 0 ? -1 : 1;
  const offset = fields.reals('qoffset', 3);
  const turn = [
    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
  ];
  return turn.map((row, i) => [
    ...row.map((v, j) => v * Math.abs(zooms[j]!) * (j === 2 ? handed : 1)),
    offset[i]!,
  ]);
}

/** Throws BadStreamError `bad-nifti` where voxels would all lie in a plane, or nowhere. */
function checked(affine: Affine, at: number): Affine {
  const [a = 0, b = 0, c = 0] = affine[0]!;
  const [d = 0, e = 0, f = 0] = affine[1]!;
  const [g = 0, h = 0, i = 0] = affine[2]!;
  const volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (affine.flat().every(Number.isFinite) && volume !== 0) return affine;
  throw new BadStreamError(
    'bad-nifti',
    at,
    'its affine places no volume; set the affine anew, or its codes to 0',
  );
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
