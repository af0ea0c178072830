/** Arrays of one picture in every type that npy has, with what is to be said of those that are no picture. */
export interface ArrayFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The error; absent: it is taken. */
  readonly refused?: { readonly code: unknown; readonly message: unknown } | undefined;
}

const side = 28;
/** Light from 0 to 1 at a point, rows first. */
const light = (y: number, x: number) => (x + y) / (2 * side - 2);

interface Kind {
  readonly descr: string;
  readonly bytes: number;
  put(view: DataView, at: number, light: number, little: boolean): void;
}

const kinds: readonly Kind[] = [
  { descr: 'b1', bytes: 1, put: (view, at, v) => view.setUint8(at, Number(v >= 0.5)) },
  { descr: 'u1', bytes: 1, put: (view, at, v) => view.setUint8(at, Math.round(255 * v)) },
  { descr: 'i1', bytes: 1, put: (view, at, v) => view.setInt8(at, Math.round(127 * v)) },
  { descr: 'u2', bytes: 2, put: (view, at, v, little) => view.setUint16(at, Math.round(65535 * v), little) },
  { descr: 'i2', bytes: 2, put: (view, at, v, little) => view.setInt16(at, Math.round(255 * v), little) },
  { descr: 'u4', bytes: 4, put: (view, at, v, little) => view.setUint32(at, Math.round(255 * v), little) },
  { descr: 'i4', bytes: 4, put: (view, at, v, little) => view.setInt32(at, Math.round(255 * v), little) },
  { descr: 'u8', bytes: 8, put: (view, at, v, little) => view.setBigUint64(at, whole(v), little) },
  { descr: 'i8', bytes: 8, put: (view, at, v, little) => view.setBigInt64(at, whole(v), little) },
  // binary16 of 0.5 where it is light, of 0 where it is dark
  { descr: 'f2', bytes: 2, put: (view, at, v, little) => view.setUint16(at, v >= 0.5 ? 0x3800 : 0, little) },
  { descr: 'f4', bytes: 4, put: (view, at, v, little) => view.setFloat32(at, v, little) },
  { descr: 'f8', bytes: 8, put: (view, at, v, little) => view.setFloat64(at, v, little) },
];

/** Types in which pictures are kept. */
const taken = ['b1', 'u1', 'u2', 'f2', 'f4', 'f8'];

const noScale = { code: 'npy-scale', message: expectText("save it as a.astype('uint8')") };
const otherRange = {
  code: 'signal-range',
  message: expectText('takes [0, 1]; divide samples from 0 to 255 by 255'),
};

/** Every type in both byte orders, and in Fortran order; floats of other ranges; what is no picture. */
export function arrays(): ArrayFile[] {
  const files: ArrayFile[] = [];
  for (const kind of kinds) {
    const refused = taken.includes(kind.descr) ? undefined : noScale;
    for (const order of kind.bytes === 1 ? ['|'] : ['<', '>']) {
      const name = `${{ '|': 'byte', '<': 'little', '>': 'big' }[order]}-${kind.descr}`;
      files.push({ name, bytes: file(kind, { order }), refused });
    }
    files.push({ name: `fortran-${kind.descr}`, bytes: file(kind, { isFortran: true }), refused });
  }
  const double = kinds.at(-1)!;
  const scaled = (scale: number, offset = 0) => file(double, { map: (v) => scale * v + offset });
  files.push(
    { name: 'floats-to-255', bytes: scaled(255), refused: otherRange },
    { name: 'floats-from-minus-1', bytes: scaled(2, -1), refused: otherRange },
    { name: 'floats-that-overshoot', bytes: scaled(1.2, -0.1) },
    { name: 'with-a-missing-value', bytes: file(double, { map: (v) => (v > 0.9 ? Number.NaN : v) }) },
    {
      name: 'with-an-infinite-value',
      bytes: file(double, { map: (v) => (v > 0.9 ? Number.POSITIVE_INFINITY : v) }),
      refused: { code: 'infinite-value', message: expectText('is Infinity') },
    },
    {
      name: 'without-axes',
      bytes: npy('<f8', '()', new Uint8Array(8)),
      // by its header where a model is known, else when it is read
      refused: { code: expectText('-shape'), message: expectText('shape []') },
    },
    {
      name: 'empty',
      bytes: npy('<f8', '(0, 28)', new Uint8Array(0)),
      refused: { code: 'empty-signal', message: expectText('no points') },
    },
  );
  return files;
}

function file(
  kind: Kind,
  {
    order = '<',
    isFortran = false,
    map = (v: number) => v,
  }: { order?: string; isFortran?: boolean; map?: (v: number) => number },
): Uint8Array {
  const data = new Uint8Array(side * side * kind.bytes);
  const view = new DataView(data.buffer);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = isFortran ? x * side + y : y * side + x;
      kind.put(view, at * kind.bytes, map(light(y, x)), order !== '>');
    }
  }
  return npy(`${kind.bytes === 1 ? '|' : order}${kind.descr}`, `(${side}, ${side})`, data, isFortran);
}

function npy(descr: string, shape: string, data: Uint8Array, isFortran = false): Uint8Array {
  const order = isFortran ? 'True' : 'False';
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const header = `${text.padEnd(128 - 11)}\n`;
  const start = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), data]);
}

function whole(light: number): bigint {
  return BigInt(Math.round(255 * light));
}

function expectText(text: string): unknown {
  return {
    asymmetricMatch: (other: unknown) => typeof other === 'string' && other.includes(text),
    toString: () => text,
  };
}
