/**
 * The formats of signals: how a file of each is told by its name, its media type and its first bytes, read and written. Whatever reads
 * or writes signals takes its list from here; nothing else names a format.
 */
import { aRowStream, type Check, check, kind } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import type { Output } from '../field/outputs.ts';
import type { RowStream } from '../signal/rows.ts';
import type { SignalFormat, SignalKind, Wanted, WrittenFormat } from './format.ts';
import { geotiff } from './geotiff-format.ts';
import { type PictureName, pictures } from './image-formats.ts';
import { meshes } from './mesh-formats.ts';
import { netcdf } from './netcdf-format.ts';
import { netcdf4 } from './netcdf4-format.ts';
import { volumes } from './nifti-format.ts';
import { npy } from './npy-format.ts';
import { npz } from './npz-format.ts';
import { compressedSounds } from './sound-formats.ts';
import { wav } from './wav-format.ts';
import { zarr } from './zarr-format.ts';

export type { Parts, SignalFormat, SignalKind, Wanted, WrittenFormat } from './format.ts';
export type { PictureName } from './image-formats.ts';

/** In the order in which they are offered and told. */
const all = [
  ...pictures,
  wav,
  ...compressedSounds,
  npy,
  npz,
  netcdf,
  netcdf4,
  zarr,
  geotiff,
  ...volumes,
  ...meshes,
] as const;

export const signalFormats: readonly (SignalFormat & { readonly name: FormatName })[] = all;

type Known = (typeof all)[number];
export type FormatName = Known['name'];
/** Names of the formats that decoded signals are written in. */
export type WrittenName = Extract<Known, { readonly write: unknown }>['name'];
export const pictureFormats: readonly (SignalFormat & { readonly name: PictureName })[] = pictures;

export const writtenFormats: readonly (WrittenFormat & { readonly name: WrittenName })[] = all.filter(
  (format) => 'write' in format,
);

/** Which format the bytes begin like; undefined for all that is not read. */
export function sniffFormat(bytes: Uint8Array): (SignalFormat & { readonly name: FormatName }) | undefined {
  return signalFormats.find((format) => format.sniff(bytes));
}

/** The format of a file: which its bytes begin like, else a headless one that its name or media type tells. */
export function formatOfFile(bytes: Uint8Array, told: string | undefined): SignalFormat | undefined {
  const sniffed = sniffFormat(bytes);
  if (sniffed !== undefined || told === undefined) return sniffed;
  const named = signalFormats.find(({ mediaType }) => mediaType === told) ?? formatOfName(told);
  return named?.headless ? named : undefined;
}

/** The media type of the only format of a kind of signals that no bytes tell; undefined where there is none. */
export function headlessTypeOf(kind: SignalKind): string | undefined {
  const found = signalFormats.filter((format) => format.headless && format.fits(kind));
  return found.length === 1 ? found[0]!.mediaType : undefined;
}

/** The bytes of a directory that is a file of one of the formats; undefined for others. Throws LimitError `limit-file-bytes`. */
export async function packDirectory(
  directory: string,
  options: { readonly maxBytes: number },
): Promise<Uint8Array | undefined> {
  for (const { pack } of signalFormats) {
    const bytes = await pack?.(directory, options);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

/** By the suffix of a file's name, in any case. */
export function formatOfName(file: string): SignalFormat | undefined {
  const name = file.toLowerCase();
  return signalFormats.find(({ suffixes }) => suffixes.some((suffix) => name.endsWith(suffix)));
}

/** The formats that signals of a kind are written in: those that hold them first, the one that is meant where none is named before all. */
export function writtenFormatsFor(
  kind: SignalKind,
): readonly (WrittenFormat & { readonly name: WrittenName })[] {
  const fitting = writtenFormats.filter((format) => format.writes?.(kind) ?? format.fits(kind));
  return [...fitting.filter(({ fits }) => fits(kind)), ...fitting.filter(({ fits }) => !fits(kind))];
}

/** What signals of a model are. */
export function kindOf({ spec, outputs, axes }: Pick<ModelCard, 'spec' | 'outputs' | 'axes'>): SignalKind {
  return { axes: spec.axes, outputs, along: axes };
}

/** What a file is read as for a model. */
export function wantedBy({ spec, outputs, axes }: Pick<ModelCard, 'spec' | 'outputs' | 'axes'>): Wanted {
  return { axes: spec.axes, outputs, along: axes };
}

/** The format of this name, or without one the first that holds such signals. Throws BadInputError `format-of-model`. */
export function writtenFormatFor(kind: SignalKind, name: string | undefined, owner: string): WrittenFormat {
  const fitting = writtenFormatsFor(kind);
  const found = name === undefined ? fitting[0] : fitting.find((format) => format.name === name);
  if (found !== undefined) return found;
  const outputs = kind.outputs.map(({ name, sample, unit }) => `${name} (${unit ?? sample})`).join(', ');
  throw new BadInputError(
    'format-of-model',
    `${name} does not hold signals of ${owner}, ${outputs} along ${kind.axes} ax${kind.axes === 1 ? 'is' : 'es'}; write ${fitting.map(({ title }) => title).join(' or ')}`,
  );
}

/**
 * The pieces of a file of decoded rows, made as they come where the format allows. `outputs`: of the model's card; default: samples from 0
 * to 1. Throws BadInputError for what the format cannot hold.
 *
 * @example
 * await writeFile('signal.npy', signalChunks(fn.rows(), 'npy'));
 */
export function signalChunks(
  rows: RowStream,
  name: WrittenName,
  given?: readonly Output[],
): AsyncIterable<Uint8Array> {
  check('signalChunks', aRowStream(rows, 'rows'), aWrittenName(name, 'name'));
  const outputs = given ?? new Array(rows.channels).fill(unitOutput);
  return writtenFormats.find((format) => format.name === name)!.write(rows, outputs);
}

const aWrittenName: Check = (value, name) =>
  kind(`one of ${writtenFormats.map((format) => format.name).join(', ')}`, (given) =>
    writtenFormats.some((format) => format.name === given),
  )(value, name);

const unitOutput: Output = { name: 'value', offset: 0, scale: 1, low: 0, peak: 1, sample: 'uint8' };

/** `.png or .webp: a contact sheet; .npy: all values`. */
export function togetherText(): string {
  const ways = new Map<string, string[]>();
  for (const { together, suffixes } of writtenFormats)
    ways.set(together, [...(ways.get(together) ?? []), suffixes[0]!]);
  return [...ways].map(([together, suffixes]) => `${suffixes.join(' or ')}: ${together}`).join('; ');
}

/** `PNG, JPEG, WebP, AVIF or npy`. */
export function titlesOf(formats: readonly SignalFormat[], or = 'or'): string {
  const titles = formats.map(({ title }) => title);
  return `${titles.slice(0, -1).join(', ')} ${or} ${titles.at(-1)}`;
}
