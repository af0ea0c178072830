/**
 * The formats of signals: how a file of each is told by its name, its media type and its first bytes. Whatever reads or
 * writes signals takes its list from here; nothing else names a format.
 */

export type FormatName = 'png' | 'jpeg' | 'webp' | 'avif' | 'npy';

export interface SignalFormat {
  readonly name: FormatName;
  /** As people write it. */
  readonly title: string;
  readonly mediaType: string;
  /** Lower case, with the dot; the first one is written. */
  readonly suffixes: readonly string[];
  /** `picture`: 8-bit samples of two axes; `array`: numbers of any axes. */
  readonly holds: 'picture' | 'array';
  /** Decoded signals are written in it, sample for sample. The others would lose some of them again. */
  readonly written: boolean;
  sniff(bytes: Uint8Array): boolean;
}

/** In the order in which they are offered and told. */
export const signalFormats = [
  {
    ...{ name: 'png', title: 'PNG', mediaType: 'image/png', suffixes: ['.png'] },
    ...{ holds: 'picture', written: true },
    sniff: (bytes) => bytes[0] === 0x89 && ascii(bytes, 1, 8) === 'PNG\r\n\x1a\n',
  },
  {
    ...{ name: 'jpeg', title: 'JPEG', mediaType: 'image/jpeg', suffixes: ['.jpg', '.jpeg'] },
    ...{ holds: 'picture', written: false },
    sniff: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
  },
  {
    ...{ name: 'webp', title: 'WebP', mediaType: 'image/webp', suffixes: ['.webp'] },
    ...{ holds: 'picture', written: true },
    sniff: (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP',
  },
  {
    ...{ name: 'avif', title: 'AVIF', mediaType: 'image/avif', suffixes: ['.avif'] },
    ...{ holds: 'picture', written: false },
    sniff: (bytes) => ascii(bytes, 4, 8) === 'ftyp' && /avi[fs]/.test(ascii(bytes, 8, 40)),
  },
  {
    ...{ name: 'npy', title: 'npy', mediaType: 'application/x-npy', suffixes: ['.npy'] },
    ...{ holds: 'array', written: true },
    sniff: (bytes) => bytes[0] === 0x93 && ascii(bytes, 1, 6) === 'NUMPY',
  },
] as const satisfies readonly SignalFormat[];

type Known = (typeof signalFormats)[number];
/** Names of the formats that decoded signals are written in. */
export type WrittenName = Extract<Known, { readonly written: true }>['name'];
/** Names of the formats of pictures. */
export type PictureName = Extract<Known, { readonly holds: 'picture' }>['name'];

export const pictureFormats: readonly (SignalFormat & { readonly name: PictureName })[] =
  signalFormats.filter((format) => format.holds === 'picture');

export const writtenFormats: readonly (SignalFormat & { readonly name: WrittenName })[] =
  signalFormats.filter((format) => format.written);

/** Which format the bytes begin like; undefined for all that is not read. */
export function sniffFormat(bytes: Uint8Array): (SignalFormat & { readonly name: FormatName }) | undefined {
  return signalFormats.find((format) => format.sniff(bytes));
}

/** By the suffix of a file's name, in any case. */
export function formatOfName(file: string): SignalFormat | undefined {
  const dot = file.lastIndexOf('.');
  const suffix = dot < 0 ? '' : file.slice(dot).toLowerCase();
  return signalFormats.find(({ suffixes }) => (suffixes as readonly string[]).includes(suffix));
}

/** `PNG, JPEG, WebP, AVIF or npy`. */
export function titlesOf(formats: readonly SignalFormat[], or = 'or'): string {
  const titles = formats.map(({ title }) => title);
  return `${titles.slice(0, -1).join(', ')} ${or} ${titles.at(-1)}`;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
