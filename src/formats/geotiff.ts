/**
 * GeoTIFF files by the package geotiff: the bands of their first picture, with places along it. What the package decodes wrongly without a word
 * is refused, and what it leaves out (scale, offset, missing values, half a pixel, rows from south to north) is done here (ADR 58).
 */
import type { GeoTIFFImage } from 'geotiff';
import { BadStreamError, FunctaError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { optionalPackage } from '../core/optional-package.ts';
import type { Attributes } from '../field/about.ts';
import type { FieldVariable } from './field-file.ts';
import { boundDecoders, knownPackings } from './geotiff-codecs.ts';
import { checkDirectories } from './tiff-directory.ts';

/** Numbers of GeoTIFF 1.1: of a place on a sphere, of samples that are points. */
const [geographic, point] = [2, 2];
/** Letters of sample formats. */
const letters: Readonly<Record<number, string>> = { 1: 'u', 2: 'i', 3: 'f' };

export function sniffTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return (
    (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) ||
    (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43))
  );
}

/** Throws EnvironmentError `package-absent`, BadStreamError `bad-geotiff`, `unsupported-geotiff`, LimitError. */
export async function geotiffVariables(
  bytes: Uint8Array,
  limits: Limits,
): Promise<{ readonly variables: readonly FieldVariable[]; readonly notes: readonly string[] }> {
  const { maxFileBytes } = limits;
  checkLimit('file-bytes', bytes.length, maxFileBytes, 'send a smaller file, or raise maxFileBytes');
  checkDirectories(bytes);
  const geotiff = await optionalPackage('geotiff', () => import('geotiff'), 'give an npy or netCDF-3 file');
  boundDecoders(geotiff);
  return tagged(async () => {
    const file = await geotiff.fromArrayBuffer(bytes.slice().buffer);
    const image = await file.getImage();
    const littleEndian = bytes[0] === 0x49;
    await checkReadable(image, { littleEndian, limits });
    const masked = await file.getImage(1).then(
      (second) => ((second.fileDirectory.getValue('NewSubfileType') as number) & 4) !== 0,
      () => false,
    );
    if (masked)
      throw unsupported('it has a mask, which is not read', 'write what it hides as a missing value');
    const { coordinates, names, isTurned } = placesOf(image);
    const dimensions = [
      { name: names[0], size: image.getHeight() },
      { name: names[1], size: image.getWidth() },
    ];
    const bands = await Promise.all(
      Array.from({ length: image.getSamplesPerPixel() }, (_, n) => bandOf(image, n, dimensions)),
    );
    const notes = isTurned ? ['how its axes are turned is not kept'] : [];
    return { variables: [...coordinates, ...bands], notes };
  });
}

async function checkReadable(
  image: GeoTIFFImage,
  { littleEndian, limits }: { readonly littleEndian: boolean; readonly limits: Limits },
): Promise<void> {
  const { fileDirectory } = image;
  const bands = image.getSamplesPerPixel();
  // Counted in blocks by the package, of which a height below 1 makes no end.
  const sizes = [image.getWidth(), image.getHeight(), image.getTileWidth(), image.getTileHeight(), bands];
  const wrong = sizes.find((size) => !(Number.isSafeInteger(size) && size >= 1));
  if (wrong !== undefined)
    throw new BadStreamError('bad-geotiff', 0, `a size or a number of bands in it is ${wrong}`);
  const predictor = Number((await fileDirectory.loadValue('Predictor')) ?? 1);
  const packing = Number(fileDirectory.getValue('Compression') ?? 1);
  if (!knownPackings.has(packing))
    throw unsupported(`it is packed by method ${packing}, which is not read`, 'pack it by DEFLATE');
  for (let n = 0; n < bands; n++) {
    const bits = image.getBitsPerSample(n);
    // As many bands as the file says, of which nothing else is known.
    if (!(bits >= 1))
      throw new BadStreamError('bad-geotiff', 0, `it says no bits of band ${n + 1} of ${bands}`);
    if (!littleEndian && predictor !== 1 && bits > 8)
      throw unsupported(
        'its bytes are in the other order, and predicted',
        'write it as -co ENDIANNESS=LITTLE',
      );
    if (bits % 8 !== 0 && bands > 1 && Number(fileDirectory.getValue('PlanarConfiguration') ?? 1) === 1)
      throw unsupported(`its bands of ${bits} bits are packed together`, 'write it as -co INTERLEAVE=BAND');
    if (letters[image.getSampleFormat(n)] === undefined)
      throw unsupported('its samples are no real numbers', 'write each part as a band');
  }
  const inBlock = image.getTileWidth() * Math.min(image.getTileHeight(), image.getHeight()) * bands;
  checkLimit('samples', inBlock, limits.maxSamples, 'it is stored in larger blocks; write smaller ones');
}

async function bandOf(
  image: GeoTIFFImage,
  n: number,
  dimensions: FieldVariable['dimensions'],
): Promise<FieldVariable> {
  const said = (await image.getGDALMetadata(n)) ?? {};
  const texts = new Map(Object.entries(said).map(([name, value]) => [name.toUpperCase(), String(value)]));
  const numberOf = (name: string) => (texts.has(name) ? [Number(texts.get(name))] : undefined);
  const fill = image.getGDALNoData();
  const bytes = Math.ceil(image.getBitsPerSample(n) / 8);
  const attributes: Record<string, Attributes[string] | undefined> = {
    ...{ scale_factor: numberOf('SCALE'), add_offset: numberOf('OFFSET'), units: texts.get('UNITTYPE') },
    _FillValue: fill === null ? undefined : [fill],
  };
  return {
    name: texts.get('DESCRIPTION') ?? `band${n + 1}`,
    type: `${letters[image.getSampleFormat(n)]}${bytes}`,
    ...{ dimensions, fills: false },
    attributes: Object.fromEntries(
      Object.entries(attributes).filter(([, value]) => value !== undefined),
    ) as Attributes,
    values: ({ start: [y = 0, x = 0], count: [rows = 0, columns = 0] }) =>
      tagged(async () => {
        const [read] = await image.readRasters({
          ...{ window: [x, y, x + columns, y + rows], samples: [n], interleave: false },
        });
        const values = Float64Array.from(read as ArrayLike<number>);
        if (values.length === rows * columns) return values;
        throw new Error(`${values.length} samples are there, of ${rows * columns}`);
      }),
  };
}

/** Coordinates of the middles of pixels, where rows and columns are those of space. */
function placesOf(image: GeoTIFFImage): {
  readonly coordinates: readonly FieldVariable[];
  readonly names: readonly [string, string];
  readonly isTurned: boolean;
} {
  const { fileDirectory } = image;
  const keys = image.getGeoKeys() ?? {};
  const isSphere = keys.GTModelTypeGeoKey === geographic;
  const names = isSphere ? (['lat', 'lon'] as const) : (['y', 'x'] as const);
  const middle = keys.GTRasterTypeGeoKey === point ? 0 : 0.5;
  const whole = fileDirectory.getValue('ModelTransformation') as ArrayLike<number> | undefined;
  const scale = fileDirectory.getValue('ModelPixelScale') as ArrayLike<number> | undefined;
  const tie = fileDirectory.getValue('ModelTiepoint') as ArrayLike<number> | undefined;
  const units = isSphere ? ['degrees_north', 'degrees_east'] : ['m', 'm'];
  let steps: readonly [start: number, step: number][] | undefined;
  let isTurned = false;
  if (whole !== undefined && whole.length === 16) {
    isTurned = whole[1] !== 0 || whole[4] !== 0;
    if (!isTurned)
      steps = [
        [whole[7]! + middle * whole[5]!, whole[5]!],
        [whole[3]! + middle * whole[0]!, whole[0]!],
      ];
  } else if (scale !== undefined && tie !== undefined && tie.length === 6) {
    steps = [
      [tie[4]! - (middle - tie[1]!) * scale[1]!, -scale[1]!],
      [tie[3]! + (middle - tie[0]!) * scale[0]!, scale[0]!],
    ];
  }
  const sizes = [image.getHeight(), image.getWidth()];
  const coordinates = (steps ?? []).map(
    ([start, step], axis): FieldVariable => ({
      ...{ name: names[axis]!, type: 'f8', fills: false },
      dimensions: [{ name: names[axis]!, size: sizes[axis]! }],
      attributes: { units: units[axis]! },
      values: ({ start: [from = 0], count: [size = 0] }) =>
        Float64Array.from({ length: size }, (_, i) => start + (from + i) * step),
    }),
  );
  return { coordinates, names, isTurned };
}

function unsupported(why: string, advice: string): BadStreamError {
  return new BadStreamError('unsupported-geotiff', 0, `${why}; ${advice}: gdal_translate IN OUT`);
}

async function tagged<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FunctaError) throw error;
    // of an aggregate, the first
    const own = (error as AggregateError).errors?.[0] ?? error;
    const why = String((own as Error | undefined)?.message ?? own);
    throw new BadStreamError('bad-geotiff', 0, `it cannot be read: ${why.split('\n')[0]!.slice(0, 200)}`);
  }
}
